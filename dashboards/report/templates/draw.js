  // Colours, and where panels stand: as many beside each other as the width allows.
  const css = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const clone = value => JSON.parse(JSON.stringify(value));
  const PAPER_WIDTH = 1590;  // the style sheet for print shrinks all
  let printing = false;

  // A string "@ink" stands for the page's colour of that name, which differs between light, dark and print; "@ink~" is paler.
  const coloured = value => {
    if (typeof value === "string" && value.startsWith("@")) return value.endsWith("~") ? css(value.slice(1, -1)) + "99" : css(value.slice(1));
    if (Array.isArray(value)) return value.map(coloured);
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, coloured(v)]));
    return value;
  };

  const escaped = text => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const wrapped = (text, letters) => {
    const lines = [""];
    for (const word of text.split(" ")) {
      const short = word.length > letters ? word.slice(0, letters - 1) + "…" : word;
      if ((lines.at(-1) + " " + short).length > letters && lines.at(-1)) lines.push("");
      lines[lines.length - 1] = (lines.at(-1) + " " + short).trim();
    }
    return lines.length > 3 ? [...lines.slice(0, 2), lines[2] + " …"] : lines;
  };

  // The ticks of a logarithmic axis: powers of ten where it is long, 1, 2, 5, 10 ..., and equal steps where fewer than two of these fall into it.
  const logTicks = (low, high) => {
    if (high > 80 * low) return 1;
    const powers = Array.from({ length: 4 }, (_, at) => 10 ** (Math.floor(Math.log10(low)) + at));
    if (powers.flatMap(power => [power, 2 * power, 5 * power]).filter(tick => tick >= low && tick <= high).length > 1) return "D2";
    const least = (high - low) / 4, unit = 10 ** Math.floor(Math.log10(least));
    return "L" + unit * [1, 2, 5, 10].find(step => step * unit >= least);
  };
  const axisOf = (letter, panel) => `${letter}axis${panel ? panel + 1 : ""}`;
  const arranged = (given, room) => {
    const layout = clone(given), { columns: most, least, tall: wanted, paper, shared, titles, left = 62, across = shared ? 20 : 76 } = layout.meta;
    let panels = 0;
    while (layout[axisOf("x", panels)]) panels += 1;
    const columns = Math.max(1, Math.min(most, Math.floor(room / least))), rows = Math.ceil(panels / columns);
    const down = titles ? 78 : 62, right = 14, bottom = 50;
    const inner = Math.max(80, room - left - right), wide = (inner - across * (columns - 1)) / columns;
    const words = (titles || []).map(title => wrapped(title, Math.max(12, Math.floor(wide / 7.2))));
    const bar = printing ? 0 : 22;  // plotly's buttons stand there, above the last panel's title
    const top = titles ? bar + 14 + 16 * Math.max(...words.map(lines => lines.length)) : 18;
    const tall = printing ? paper : wanted;
    const deep = rows * tall + (rows - 1) * down;
    Object.assign(layout, { width: room, height: top + bottom + deep, margin: { l: left, r: right, t: top, b: bottom }, showlegend: false });
    for (let panel = 0; panel < panels; panel += 1) {
      const column = panel % columns, row = Math.floor(panel / columns);
      const x = layout[axisOf("x", panel)], y = layout[axisOf("y", panel)];
      x.domain = [column * (wide + across) / inner, Math.min(1, (column * (wide + across) + wide) / inner)];
      y.domain = [Math.max(0, 1 - (row * (tall + down) + tall) / deep), 1 - row * (tall + down) / deep];
      // a low panel on paper has no room for a long title in one line
      if (printing && tall < 180 && y.title && y.title.text) y.title.text = y.title.text.replace(" <span", "<br><span");
      if (shared && column) Object.assign(y, { showticklabels: false, title: { text: "" } });
      if (x.type === "log" && x.range) x.dtick = logTicks(10 ** x.range[0], 10 ** x.range[1]);
      if (titles) (layout.annotations = layout.annotations || []).push({ text: words[panel].map(escaped).join("<br>"), showarrow: false,
        xref: `x${panel ? panel + 1 : ""} domain`, yref: `y${panel ? panel + 1 : ""} domain`, x: 0.5, y: 1, yshift: 2, xanchor: "center", yanchor: "bottom", font: { size: 12 } });
    }
    return layout;
  };

  const dressed = layout => {
    Object.assign(layout, { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: css("ink") },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: css("muted"), activecolor: css("ink") },
      hoverlabel: { bgcolor: css("panel"), bordercolor: css("line"), font: { family: getComputedStyle(document.body).fontFamily, color: css("ink"), size: 12.5 }, align: "left" } });
    for (const key of Object.keys(layout)) if (/^[xy]axis/.test(key)) {
      Object.assign(layout[key], { gridcolor: css("grid"), linecolor: css("line"), showline: true, tickcolor: css("line"), ticks: "outside", ticklen: 4, tickangle: 0 });
      if (layout[key].title) layout[key].title.font = { size: 12.5, color: css("muted") };
    }
    return layout;
  };
