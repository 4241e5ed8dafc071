"use strict";
(() => {
  let figures = {}, hover = [];
  const reduced = { responsive: true, doubleClick: "reset+autosize", displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] };
  const css = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const clone = value => JSON.parse(JSON.stringify(value));

  // A string "@ink" stands for the page's colour of that name, which differs between light, dark and print.
  const coloured = value => {
    if (typeof value === "string" && value.startsWith("@")) return css(value.slice(1));
    if (Array.isArray(value)) return value.map(coloured);
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, coloured(v)]));
    return value;
  };

  const dressed = layout => {
    const result = clone(layout);
    Object.assign(result, { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: css("ink") },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: css("muted"), activecolor: css("ink") },
      hoverlabel: { bgcolor: css("panel"), bordercolor: css("line"), font: { color: css("ink"), size: 13 }, align: "left" } });
    for (const key of Object.keys(result)) if (/^[xy]axis/.test(key)) {
      Object.assign(result[key], { gridcolor: css("grid"), linecolor: css("line"), showline: true, tickcolor: css("line"), ticks: "outside", ticklen: 4 });
    }
    return result;
  };

  const perPoint = ["x", "y", "text", "customdata"];
  const thin = (trace, keep) => {
    if (!trace.customdata) return trace;
    const at = trace.customdata.map((_, i) => i).filter(i => keep(trace.customdata[i]));
    for (const key of perPoint) if (Array.isArray(trace[key])) trace[key] = at.map(i => trace[key][i]);
    for (const bars of ["error_x", "error_y"]) if (trace[bars]) trace[bars].array = at.map(i => trace[bars].array[i]);
    if (Array.isArray(trace.marker.size)) trace.marker.size = at.map(i => trace.marker.size[i]);
    return trace;
  };

  const references = ["baseline", "control", "dense", "scratch"];
  const always = ["baseline", "dense", "scratch"];
  const chosen = form => Object.fromEntries([...form.querySelectorAll("[data-key]")].map(field =>
    [field.dataset.key, field.type === "checkbox" ? field.checked : field.value]));

  const frontFilter = form => {
    const want = chosen(form);
    return point => (!want[0] || point[0] === want[0])
      && (!want[1] || point[1] === want[1] || references.includes(point[1]))
      && (want[2] === "" || String(point[2]) === want[2] || always.includes(point[1]))
      && (references.includes(point[1])
        || ((!want[3] || point[3]) && (!want[4] || point[4]) && (!want[5] || point[5] >= +want[5]) && (!want[6] || point[6] <= +want[6])));
  };

  // Show the front and its references; networks that collapsed (on the front for their size alone) must not squeeze the
  // others into a corner. A double-click shows them all.
  const collapsed = 0.2;
  const windows = figure => {
    const first = figure.data.filter(trace => trace.customdata && trace.xaxis === "x");
    const heights = (keep) => first.flatMap(trace => trace.y.filter((_, i) => keep(trace.customdata[i])));
    const among = heights(point => references.includes(point[1]));
    const floor = Math.max(...(among.length ? among : heights(() => true))) - collapsed;
    for (const letter of ["x", "y"]) {
      const reach = {};
      for (const trace of figure.data) (trace.customdata || []).forEach((point, i) => {
        if ((!point[3] && !references.includes(point[1])) || trace.y[i] < floor) return;
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

  const shown = div => {
    const figure = clone(figures[div.dataset.figure]);
    const form = document.querySelector(`form[data-for="${div.dataset.group}"]`);
    if (form && div.dataset.group === "front") {
      const keep = frontFilter(form);
      figure.data.forEach(trace => thin(trace, keep));
      const first = figure.data.filter(trace => trace.customdata && trace.xaxis === "x");
      const count = first.reduce((sum, trace) => sum + trace.x.length, 0);
      const outside = windows(figure);
      form.querySelector("output").textContent = count + (count === 1 ? " candidate" : " candidates")
        + (outside ? `, ${outside} outside the frame (double-click shows all)` : "");
      const drawn = new Set(figure.data.filter(t => t.customdata && t.x.length).map(t => t.legendgroup));
      figure.data = figure.data.filter(trace => trace.customdata ? trace.x.length : drawn.has(trace.legendgroup));
    } else if (form) {
      const budget = chosen(form).budget;
      figure.data = figure.data.filter(trace => trace.meta.method === "baseline" || String(trace.meta.budget) === budget);
    }
    for (const trace of figure.data) if (trace.text) trace.text = trace.text.map(place => hover[place]);
    return { data: coloured(figure.data), layout: dressed(figure.layout) };
  };

  const plots = [...document.querySelectorAll(".plot")];
  // The report has its figures in the page; the live page hands over new ones as the sweep goes on.
  const show = data => { ({ figures, hover } = data); drawAll(); };
  const draw = div => { const { data, layout } = shown(div); return Plotly.react(div, data, layout, reduced); };
  const drawAll = () => plots.filter(div => figures[div.dataset.figure]).forEach(draw);
  window.showFigures = show;
  const inPage = document.getElementById("figures");
  if (inPage) show(JSON.parse(inPage.textContent));
  document.querySelectorAll("form.filters").forEach(form => {
    form.addEventListener("submit", event => event.preventDefault());
    form.addEventListener("change", () => plots.filter(div => div.dataset.group === form.dataset.for && figures[div.dataset.figure]).forEach(draw));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  // On paper the palette is the light one, and the width is the paper's.
  matchMedia("print").addEventListener("change", drawAll);
  addEventListener("keydown", event => {
    const div = event.target;
    if (!(div.classList && div.classList.contains("plot")) || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    event.preventDefault();
    walk(div, event.key === "ArrowRight" ? 1 : -1);
  });

  // Keyboard: the arrow keys walk through the points in the frame of the first panel and show what hovering shows.
  const walk = (div, step) => {
    const places = [], { xaxis, yaxis } = div._fullLayout;
    const inside = (axis, value) => axis.type === "category" || (axis.d2l(value) - axis.range[0]) * (axis.d2l(value) - axis.range[1]) <= 0;
    div.data.forEach((trace, curve) => {
      if (trace.text && trace.xaxis === "x" && Array.isArray(trace.x)) trace.x.forEach((x, point) => {
        if (trace.y[point] !== null && inside(xaxis, x) && inside(yaxis, trace.y[point])) places.push([x, curve, point]);
      });
    });
    if (!places.length) return;
    places.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const next = ((Number(div.dataset.at ?? (step > 0 ? -1 : 0)) + step) % places.length + places.length) % places.length;
    div.dataset.at = next;
    Plotly.Fx.hover(div, [{ curveNumber: places[next][1], pointNumber: places[next][2] }]);
  };
})();
