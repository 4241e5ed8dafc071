  // The front's filters and its frame; what a point says; the same candidate in every panel.
  // Candidates come as columns, name -> a value for each place; here a candidate is an object with these names and its place.
  const candidatesOf = columns => Object.values(columns)[0].map((_, place) =>
    Object.fromEntries([["place", place], ...Object.entries(columns).map(([name, values]) => [name, values[place]])]));
  const withCandidates = (traces, candidates) => traces.map(trace => ({ ...trace, customdata: trace.text.map(place => candidates[place]) }));

  const perPoint = ["x", "y", "text", "customdata"];
  const thin = (trace, keep) => {
    if (!trace.customdata) return trace;
    const at = trace.customdata.map((_, i) => i).filter(i => keep(trace.customdata[i]));
    for (const key of perPoint) if (Array.isArray(trace[key])) trace[key] = at.map(i => trace[key][i]);
    for (const bars of ["error_x", "error_y"]) if (trace[bars]) trace[bars].array = at.map(i => trace[bars].array[i]);
    if (Array.isArray(trace.marker.size)) trace.marker.size = at.map(i => trace.marker.size[i]);
    return trace;
  };

  const chosen = form => Object.fromEntries([...form.querySelectorAll("[data-key]")].map(field =>
    [field.dataset.key, field.type === "checkbox" ? field.checked : field.value]));

  const frontFilter = (form, { references, always, named: answer = {} }) => {
    const want = chosen(form), wanted = (want.search || "").trim().toLowerCase();
    const onFront = point => want.budget === "" || !point.front_at ? point.front : point.front_at.includes(Number(want.budget));
    const named = point => !wanted || [point.name, point.network, point.method].some(text => (text || "").toLowerCase().includes(wanted));
    return point => named(point) && (!want.network || point.network === want.network)
      && (want.collapsed !== false || !point.collapsed)
      && (!want.method || point.method === want.method || references.includes(point.method))
      && (want.budget === "" || String(point.budget) === want.budget || always.includes(point.method))
      && (references.includes(point.method)
        || ((!want.front || onFront(point) || answer[point.place]) && (!want.within || point.within)
          && (!want.accuracy_percent || point.accuracy_percent >= +want.accuracy_percent)
          && (!want.nonzero_parameters || point.nonzero_parameters <= +want.nonzero_parameters)));
  };

  // Show the front and its references; networks that collapsed (on the front for their size alone) must not squeeze the
  // others into a corner. A double-click shows them all.
  const windows = figure => {
    const { references, frame } = figure.layout.meta;
    const first = figure.data.filter(trace => trace.customdata && trace.xaxis === "x");
    const heights = (keep) => first.flatMap(trace => trace.y.filter((_, i) => keep(trace.customdata[i])));
    const among = heights(point => references.includes(point.method));
    const floor = Math.max(...(among.length ? among : heights(() => true))) - frame;
    for (const letter of ["x", "y"]) {
      const reach = {};
      for (const trace of figure.data) (trace.customdata || []).forEach((point, i) => {
        if ((point.complete && !point.front && !references.includes(point.method)) || trace.y[i] < floor) return;
        const axis = letter === "y" ? "y" : trace.xaxis, bars = trace["error_" + letter].array[i] || 0;
        const log = figure.layout[axis[0] + "axis" + axis.slice(1)].type === "log";
        const ends = [trace[letter][i] - bars, trace[letter][i] + bars].filter(value => !log || value > 0);
        (reach[axis] = reach[axis] || []).push(...(log ? ends.map(Math.log10) : ends));
      });
      for (const [axis, values] of Object.entries(reach)) {
        if (values.length < 4) continue;
        const low = Math.min(...values), high = Math.max(...values), margin = 0.07 * (high - low || 1);
        figure.layout[axis[0] + "axis" + axis.slice(1)].range = [low - margin, high + margin];
      }
    }
    const y = figure.layout.yaxis.range;
    return y ? first.flatMap(trace => trace.y).filter(v => v < y[0] || v > y[1]).length : 0;
  };

  const axisNamed = (div, name) => div._fullLayout[name[0] + "axis" + name.slice(1)];
  const inside = (axis, value) => axis.type === "category" || (axis.d2l(value) - axis.range[0]) * (axis.d2l(value) - axis.range[1]) <= 0;
  const visible = (div, trace, point) => trace.y[point] !== null
    && inside(axisNamed(div, trace.xaxis), trace.x[point]) && inside(axisNamed(div, trace.yaxis), trace.y[point]);

  // A ring around the candidate in each panel where it is in the frame.
  const ring = (div, place) => {
    const { rings } = div.parts, { width, height } = div._fullLayout;
    for (const [key, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}` })) rings.setAttribute(key, value);
    rings.replaceChildren(...(place === null ? [] : div.data.flatMap(trace => (trace.customdata || []).flatMap((point, i) => {
      if (point.place !== place || !visible(div, trace, i)) return [];
      const x = axisNamed(div, trace.xaxis), y = axisNamed(div, trace.yaxis);
      return [drawnShape("circle", { cx: x._offset + x.d2p(trace.x[i]), cy: y._offset + y.d2p(trace.y[i]), r: trace.marker.size[i] / 2 + 5 })];
    }))));
  };

  const plain = text => new DOMParser().parseFromString(text, "text/html").body.textContent;
  const tell = (div, text) => {
    const { detail } = div.parts, lines = text ? text.split("<br>").map(plain) : [];
    detail.hidden = !lines.length;
    const from = lines.findIndex(line => line.endsWith("MLflow:"));
    detail.replaceChildren(...lines.map((line, at) => {
      const run = runsAt && from >= 0 && at > from;
      return Object.assign(document.createElement(run ? "a" : at ? "span" : "strong"), { textContent: line, dir: "auto" }, run ? { href: runsAt + encodeURIComponent(line), rel: "noreferrer" } : {});
    }));
  };
  const placeOf = (trace, point) => trace.customdata ? trace.customdata[point].place : null;

  // Keyboard: the arrow keys walk through the points in the frame of the first panel and show what hovering shows.
  const walk = (div, step) => {
    const places = [];
    div.data.forEach((trace, curve) => {
      if (trace.text && trace.type !== "heatmap" && trace.xaxis === "x" && Array.isArray(trace.x)) trace.x.forEach((x, point) => {
        if (visible(div, trace, point)) places.push([x, curve, point]);
      });
    });
    if (!places.length) return;
    places.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const next = ((Number(div.dataset.at ?? (step > 0 ? -1 : 0)) + step) % places.length + places.length) % places.length;
    const [, curve, point] = places[next];
    div.dataset.at = next;
    Plotly.Fx.hover(div, [{ curveNumber: curve, pointNumber: point }]);
    ring(div, placeOf(div.data[curve], point));
    tell(div, div.data[curve].text[point]);
  };

  const held = div => div.dataset.figure === "front" ? pinned : null;
  const listen = div => {
    div.on("plotly_hover", event => ring(div, placeOf(event.points[0].data, event.points[0].pointNumber)));
    div.on("plotly_unhover", () => ring(div, held(div)));
    div.on("plotly_relayout", () => ring(div, held(div)));
    div.on("plotly_click", event => {
      const { data, pointNumber } = event.points[0], place = placeOf(data, pointNumber);
      if (place !== null && div.dataset.figure === "front") pin(place);
      else tell(div, data.text && data.text[pointNumber]);
    });
  };
