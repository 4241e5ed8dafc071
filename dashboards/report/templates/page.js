"use strict";
(() => {
  let figures = {}, hover = [], candidates = [];
{% include "draw.js" %}

{% include "legend.js" %}

{% include "explorer.js" %}

{% include "steps.js" %}

{% include "pin.js" %}

{% include "tables.js" %}

  // Nothing leaves the machine: no button, link or address of plotly's services, whichever of them a release of plotly offers.
  const options = { doubleClick: "reset+autosize", modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d", "sendDataToCloud", "editInChartStudio"],
    displaylogo: false, showSendToCloud: false, showEditInChartStudio: false, showLink: false, sendData: false, plotlyServerURL: "" };
  const shown = div => {
    const figure = clone(figures[div.dataset.figure]);
    const form = document.querySelector(`form[data-for="${div.dataset.group}"]`);
    if (form && div.dataset.group === "front") {
      const keep = frontFilter(form, figure.layout.meta);
      figure.data = withCandidates(figure.data, candidates);
      figure.data.forEach(trace => thin(trace, keep));
      figure.data = figure.data.filter(trace => !trace.customdata || trace.x.length);
    } else if (form) {
      const budget = chosen(form).budget;
      figure.data = figure.data.filter(trace => trace.meta.method === "baseline" || String(trace.meta.budget) === budget);
    }
    legend(div, figure.layout.meta.legend, figure.data);
    figure.data = figure.data.filter(trace => !switchedOff(div, trace));
    if (form && div.dataset.group === "front") {
      const outside = windows(figure);
      tidyBars(figure);
      labelled(figure);
      const count = figure.data.filter(trace => trace.customdata && trace.xaxis === "x").reduce((sum, trace) => sum + trace.x.length, 0);
      form.querySelector("output").textContent = count + (count === 1 ? " candidate shown" : " candidates shown")
        + (outside ? `, ${outside} outside the frame (double-click shows all)` : "");
    }
    if (form && div.dataset.group === "front") figure.data.unshift(...steps(figure));
    for (const trace of figure.data) if (trace.text && trace.type !== "heatmap") trace.text = trace.text.map(place => hover[place]);
    const room = printing ? PAPER_WIDTH : Math.floor(div.getBoundingClientRect().width) || PAPER_WIDTH;
    return { data: coloured(figure.data), layout: dressed(arranged(figure.layout, room)) };
  };

  const plots = [...document.querySelectorAll(".plot")];
  const known = () => plots.filter(div => figures[div.dataset.figure]);
  const prepare = div => {
    const frame = div.parentNode, make = (name, className) => Object.assign(document.createElement(name), { className });
    div.parts = { legend: make("ul", "legend"), detail: make("p", "detail"), rings: drawnShape("svg", { class: "rings", "aria-hidden": "true" }) };
    div.parts.detail.hidden = true;
    div.parts.detail.setAttribute("aria-live", "polite");
    div.parts.legend.setAttribute("aria-label", "Legend; a button shows or hides what it names");
    frame.before(div.parts.legend);
    frame.after(div.parts.detail);
    frame.append(div.parts.rings);
  };
  const draw = div => {
    waiting.delete(div);
    if (!div.parts) prepare(div);
    const { data, layout } = shown(div), first = !div.on;
    Plotly.react(div, data, layout, options);
    if (first) listen(div);
    ring(div, held(div));
    div.drawnFor = layout.width;
  };

  // One figure after the other, so that the page answers meanwhile; all at once where it goes to paper.
  const waiting = new Set();
  const drawNext = () => {
    const [div] = waiting;
    if (!div) return;
    draw(div);
    setTimeout(drawNext);
  };
  const drawAll = () => { known().forEach(div => waiting.add(div)); drawNext(); };
  // The report has its figures in the page; the live page hands over new ones as the sweep goes on.
  const show = data => {
    ({ figures, hover } = data);
    candidates = candidatesOf(data.candidates);
    runsAt = data.mlflow || "";
    drawAll();
  };
  window.showFigures = show;
  window.candidatesDrawn = data => {
    const known = candidatesOf(data.candidates);
    return withCandidates(data.figures.front ? data.figures.front.data : [], known).flatMap(trace => trace.customdata);
  };
  const inPage = document.getElementById("figures");
  const redraw = form => {
    if (form.dataset.for === "front") { showRows(form); remember(); }
    known().filter(div => div.dataset.group === form.dataset.for).forEach(draw);
  };
  if (inPage) {
    const data = JSON.parse(inPage.textContent), form = document.querySelector("form[data-for=front]");
    candidates = candidatesOf(data.candidates);
    recall();
    show(data);
    if (form) showRows(form);
    if (pinned !== null) pin(pinned);
  }
  document.querySelectorAll("form.filters").forEach(form => {
    form.addEventListener("submit", event => event.preventDefault());
    form.addEventListener("change", () => redraw(form));
    form.querySelectorAll("[type=search]").forEach(field => field.addEventListener("input", () => redraw(form)));
    form.addEventListener("reset", () => setTimeout(() => redraw(form)));
  });
  const resized = new ResizeObserver(entries => entries.forEach(({ target, contentRect }) => {
    if (!printing && target.drawnFor && contentRect.width > 0 && Math.abs(target.drawnFor - Math.floor(contentRect.width)) > 1) draw(target);
  }));
  plots.forEach(div => resized.observe(div));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);

  // On paper the palette is the light one, the width is the paper's, and nothing is folded away.
  const toPaper = on => {
    if (printing === on) return;
    printing = on;
    // A page hears of printing before its style sheet does: the class makes the palette the light one at once.
    document.documentElement.classList.toggle("paper", on);
    document.querySelectorAll("details:not(.aside)").forEach(part => {
      if (on && !part.open) part.open = part.dataset.opened = true;
      else if (!on && part.dataset.opened) { part.open = false; delete part.dataset.opened; }
    });
    // Plotly measures its texts on the page: they would stand askew where the style sheet for print has shrunk it already.
    document.body.style.zoom = on ? 1 : "";
    known().forEach(draw);
    document.body.style.zoom = "";
  };
  const print = matchMedia("print");
  print.addEventListener("change", () => toPaper(print.matches));
  addEventListener("beforeprint", () => toPaper(true));
  addEventListener("afterprint", () => toPaper(false));

  addEventListener("keydown", event => {
    const div = event.target;
    if (!(div.classList && div.classList.contains("plot")) || !["ArrowLeft", "ArrowRight", "Escape"].includes(event.key)) return;
    event.preventDefault();
    if (event.key !== "Escape") return walk(div, event.key === "ArrowRight" ? 1 : -1);
    Plotly.Fx.unhover(div);
    if (div.dataset.figure === "front") pin(null);
    ring(div, null);
    tell(div, "");
  });
})();
