  // What the figure of the front draws beside its points: the front of each panel as steps, and who the answer names.
  const steps = figure => Object.entries(figure.layout.meta.directions || {}).flatMap(([axis, direction]) => {
    const points = figure.data.filter(trace => trace.customdata && trace.xaxis === axis)
      .flatMap(trace => trace.x.map((x, i) => ({ x, y: trace.y[i], one: trace.customdata[i] })))
      .filter(({ x, y, one }) => x !== null && y !== null && one.complete && !one.collapsed);
    points.sort((a, b) => (direction === "min" ? a.x - b.x : b.x - a.x) || b.y - a.y);
    const kept = [];
    for (const point of points) if (!kept.length || point.y > kept.at(-1).y) kept.push(point);
    if (!kept.length) return [];
    const edges = key => (figure.layout[key] || {}).range, x = edges("xaxis" + axis.slice(1)), y = edges("yaxis"), log = figure.layout["xaxis" + axis.slice(1)].type === "log";
    const end = x && x[direction === "min" ? 1 : 0];
    if (y) kept.unshift({ x: kept[0].x, y: y[0] });
    if (x) kept.push({ x: log ? 10 ** end : end, y: kept.at(-1).y });
    return [{ type: "scatter", mode: "lines", x: kept.map(({ x }) => x), y: kept.map(({ y }) => y), xaxis: axis, yaxis: "y" + axis.slice(1),
      line: { shape: "hv", color: "@muted", width: 1.3 }, hoverinfo: "skip", showlegend: false, meta: { steps: true } }];
  });

  // Bars of a point that is not in the frame would hang there without it.
  const tidyBars = figure => figure.data.filter(trace => trace.customdata).forEach(trace => {
    const axes = ["x", "y"].map(letter => figure.layout[letter + "axis" + trace[letter + "axis"].slice(1)]);
    trace.customdata.forEach((_, i) => {
      const outside = axes.some(({ range, type }, at) => {
        const value = trace["xy"[at]][i], place = type === "log" ? Math.log10(value) : value;
        return range && (place < range[0] || place > range[1]);
      });
      if (outside) for (const bars of ["error_x", "error_y"]) if (trace[bars]) trace[bars].array[i] = 0;
    });
  });

  const labelled = figure => {
    const named = figure.layout.meta.named || {}, notes = [], rings = [];
    for (const trace of figure.data) (trace.customdata || []).forEach((one, i) => {
      const label = named[one.place], axis = figure.layout["xaxis" + trace.xaxis.slice(1)], log = axis.type === "log";
      if (!label) return;
      const x = log ? Math.log10(trace.x[i]) : trace.x[i], at = Object.keys(named).indexOf(String(one.place));
      const [low, high] = axis.range || [x, x], [bottom, top] = figure.layout.yaxis.range || [0, 1], right = x < (low + high) / 2;
      // The labels of a panel stand below each other, at heights of their own, so that none hides another.
      notes.push({ text: escaped(label), x, y: trace.y[i], xref: trace.xaxis, yref: trace.yaxis, showarrow: true, arrowhead: 2, arrowwidth: 1, arrowcolor: css("muted"),
        standoff: trace.marker.size[i] / 2 + 4, axref: trace.xaxis, ayref: trace.yaxis, ax: x + (right ? 0.05 : -0.05) * (high - low), ay: bottom + (0.42 - 0.08 * at) * (top - bottom),
        xanchor: right ? "left" : "right", bgcolor: css("paper"), font: { size: 11.5, color: css("ink") } });
      rings.push({ type: "scatter", mode: "markers", x: [trace.x[i]], y: [trace.y[i]], xaxis: trace.xaxis, yaxis: trace.yaxis, hoverinfo: "skip", showlegend: false, meta: {},
        marker: { symbol: "circle-open", size: trace.marker.size[i] + 7, color: "@ink", line: { width: 1.5 } } });
    });
    figure.data.push(...rings);
    figure.layout.annotations = [...(figure.layout.annotations || []), ...notes];
  };
