  // The legend: HTML, so that it wraps, prints, and its switches are buttons that a keyboard reaches.
  const polygon = (corners, turn, radius = 1) => Array.from({ length: corners }, (_, i) => {
    const angle = (turn + 360 * i / corners - 90) * Math.PI / 180;
    return `${(radius * Math.cos(angle)).toFixed(2)},${(radius * Math.sin(angle)).toFixed(2)}`;
  });
  const star = polygon(5, 0, 1.2).flatMap((corner, i) => [corner, polygon(5, 36, 0.5)[i]]);
  const plus = turn => [[-.35, -1], [.35, -1], [.35, -.35], [1, -.35], [1, .35], [.35, .35], [.35, 1], [-.35, 1], [-.35, .35], [-1, .35], [-1, -.35], [-.35, -.35]]
    .map(([x, y]) => turn ? `${((x - y) * .75).toFixed(2)},${((x + y) * .75).toFixed(2)}` : `${x},${y}`);
  const SHAPES = { square: polygon(4, 45, 1.25), diamond: polygon(4, 0, 1.25), "triangle-up": polygon(3, 0, 1.25), "triangle-down": polygon(3, 180, 1.25),
    "triangle-left": polygon(3, 270, 1.25), "triangle-right": polygon(3, 90, 1.25), cross: plus(false), x: plus(true), pentagon: polygon(5, 0, 1.1), hexagon: polygon(6, 30, 1.1), star };
  const HEADS = { network: "Network", size: "Compression" };
  const DASHES = { dot: "2 3", dash: "7 4", solid: "" };

  const drawnShape = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  const sample = ({ symbol, colour, dash, size = 10 }) => {
    const ink = `var(--${colour.slice(1)})`, width = dash ? 34 : Math.max(16, size + 4), height = Math.max(16, size + 4);
    const svg = drawnShape("svg", { width, height, viewBox: `${-width / 2} ${-height / 2} ${width} ${height}`, "aria-hidden": "true" });
    if (dash) svg.append(drawnShape("line", { x1: -width / 2, x2: width / 2, y1: 0, y2: 0, style: `stroke: ${ink}`, "stroke-width": 2, "stroke-dasharray": DASHES[dash] }));
    if (symbol) {
      const name = symbol.replace(/-(open|dot).*$/, ""), open = symbol.includes("-open"), radius = size / 2;
      const style = `fill: ${open ? "none" : ink}; stroke: ${ink}; stroke-width: ${1.4 / radius}`;
      const shape = name === "circle" ? drawnShape("circle", { r: 1, style }) : drawnShape("polygon", { points: SHAPES[name].join(" "), style });
      shape.setAttribute("transform", `scale(${radius})`);
      svg.append(shape);
      if (symbol.endsWith("dot")) svg.append(drawnShape("circle", { r: 1.6, style: `fill: var(--${open ? "ink" : "paper"})` }));
    }
    return svg;
  };

  // What somebody switched off, by figure: "kind key".
  const off = new Map();
  const hiddenIn = div => off.get(div) || off.set(div, new Set()).get(div);
  const switchedOff = (div, trace) => ["method", "network", "line"].some(kind => hiddenIn(div).has(`${kind} ${trace.meta[kind]}`));

  const legend = (div, entries, traces) => {
    const list = div.parts.legend, hidden = hiddenIn(div);
    const wanted = entries.filter(entry => !["method", "network", "line"].includes(entry.kind) || traces.some(trace => trace.meta[entry.kind] === entry.key));
    const state = JSON.stringify([wanted, [...hidden]]);
    if (list.dataset.state === state) return;
    const focus = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    list.dataset.state = state;
    list.replaceChildren(...wanted.map((entry, at) => {
      const item = document.createElement("li"), key = `${entry.kind} ${entry.key}`;
      if (at && entry.kind !== wanted[at - 1].kind && HEADS[entry.kind]) {
        item.className = "apart";
        item.append(Object.assign(document.createElement("span"), { className: "head", textContent: HEADS[entry.kind] }));
      }
      const held = entry.key === undefined ? document.createElement("span") : document.createElement("button");
      const label = document.createElement("span");
      label.textContent = entry.label;
      label.dir = "auto";
      held.append(...(entry.symbol || entry.dash ? [sample(entry), label] : [label]));
      if (entry.key !== undefined) {
        Object.assign(held, { type: "button", title: "show or hide" });
        held.dataset.key = key;
        held.setAttribute("aria-pressed", String(!hidden.has(key)));
        held.addEventListener("click", () => { if (!hidden.delete(key)) hidden.add(key); draw(div); });
      }
      item.append(held);
      return item;
    }));
    if (focus) [...list.querySelectorAll("button")].find(button => button.dataset.key === focus)?.focus();
  };
