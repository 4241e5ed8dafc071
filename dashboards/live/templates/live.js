"use strict";
(() => {
  const byId = id => document.getElementById(id);
  const states = ["complete", "running", "waiting", "stopped", "failed", "diverged"];
  const budget = document.querySelector('form [data-key="budget"]');
  const title = document.title;
  let version = null, chosen = false, trials = [], seen = "";
  budget.addEventListener("change", () => { chosen = true; });
  budget.form.addEventListener("reset", () => { chosen = false; });

  const duration = seconds => {
    const minutes = Math.round(seconds / 60);
    if (seconds < 90) return `${Math.round(seconds)}\u00a0s`;
    return minutes < 90 ? `${minutes}\u00a0min` : `${(minutes / 60).toFixed(1)}\u00a0h`;
  };
  const epochs = count => `${count} epoch${count === 1 ? "" : "s"}`;

  const element = (name, text, className) => {
    const made = document.createElement(name);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  };
  const heading = text => Object.assign(element("th", text), { scope: "row" });
  const line = (...cells) => {
    const made = document.createElement("tr");
    made.append(...cells);
    return made;
  };
  const drawing = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  const told = state => {
    if (state.driver) return `at work: ${state.driver}`;
    const left = state.counts.waiting;
    return "no run is at work in this folder: " + (left ? `${left} trial${left === 1 ? " waits" : "s wait"} for \u201cprunefront run\u201d` : "nothing is left to do");
  };

  // A line over time, from 0 up; `step` where a value holds until the next one.
  const overTime = (id, words, rows, key, said, step) => {
    const last = rows.length ? rows.at(-1).seconds : 0, high = Math.max(0, ...rows.map(row => row[key]));
    const at = (seconds, value) => `${(240 * seconds / last).toFixed(1)},${(34 - 32 * value / high).toFixed(1)}`;
    const both = (row, place) => (step && place ? [at(row.seconds, rows[place - 1][key])] : []).concat(at(row.seconds, row[key]));
    const points = last > 0 && high > 0 ? rows.flatMap(both) : [];
    byId(id).closest(".wide").hidden = !points.length;
    byId(id).firstElementChild.setAttribute("points", points.join(" "));
    if (points.length) byId(id + "-words").textContent = `${words} over ${duration(last)}: ${said(rows, high)}`;
  };

  const curveOf = rows => {
    const drawn = drawing("svg", { viewBox: "0 0 120 28", preserveAspectRatio: "none", "aria-hidden": "true" });
    const worst = Math.max(...rows.map(row => row[1]), 1e-12), wide = Math.max(1, rows.length - 1);
    const points = of => rows.map((row, place) => `${(118 * place / wide + 1).toFixed(1)},${(27 - 26 * of(row)).toFixed(1)}`).join(" ");
    drawn.append(drawing("polyline", { points: points(row => row[1] / worst), class: "loss" }), drawing("polyline", { points: points(row => row[2]) }));
    return drawn;
  };

  const showRunning = state => {
    const table = byId("running-table");
    byId("nothing-runs").hidden = state.running.length > 0;
    table.hidden = !state.running.length;
    table.tBodies[0].replaceChildren(...state.running.map(trial => {
      const epoch = element("td", ""), curve = element("td", "");
      if (trial.of) {
        const part = element("span", "", "epochs"), done = element("span", "");
        done.style.width = 100 * trial.epoch / trial.of + "%";
        part.append(done);
        epoch.append(part, `${trial.epoch} of ${epochs(trial.of)}`);
      }
      if (trial.curve.length) {
        const [, loss, accuracy] = trial.curve.at(-1);
        if (trial.curve.length > 1) curve.append(curveOf(trial.curve), " ");
        curve.append(`loss ${loss.toPrecision(3)}, accuracy ${(100 * accuracy).toFixed(1)}\u00a0%`);
      }
      const since = element("td", trial.seconds === null ? "" : duration(trial.seconds), "n");
      return line(heading(trial.name), element("td", trial.phase), epoch, curve, since, element("td", trial.place));
    }));
    byId("waiting-for").replaceChildren(...state.waiting_for.map(text => element("li", text)));
  };

  const showLog = async (key, name) => {
    const answer = await fetch("log/" + encodeURIComponent(key));
    byId("log-name").textContent = name;
    byId("log").textContent = answer.ok ? await answer.text() : "it left no log";
    byId("log-part").hidden = false;
    byId("log").focus();
  };

  const showFailures = failures => {
    byId("no-failures").hidden = failures.length > 0;
    byId("failure-table").hidden = !failures.length;
    byId("failure-table").tBodies[0].replaceChildren(...failures.map(({ key, name, status, cause, log }) => {
      const last = element("td", log ? "" : "–");
      if (log) {
        const open = Object.assign(element("button", log, "link"), { type: "button" });
        open.addEventListener("click", () => showLog(key, name));
        last.append(open);
      }
      return line(heading(name), element("td", status), element("td", cause, "cause"), last);
    }));
  };

  const showState = state => {
    byId("driver").textContent = told(state);
    const all = Math.max(1, states.reduce((sum, name) => sum + (state.counts[name] || 0), 0));
    const there = states.filter(name => state.counts[name]);
    byId("bar").replaceChildren(...there.map(name => {
      const part = element("span", "", "part " + name);
      part.style.width = 100 * state.counts[name] / all + "%";
      return part;
    }));
    byId("counts").replaceChildren(...there.map(name => {
      const item = element("li", `${state.counts[name]} ${name}`);
      item.prepend(element("span", "", "part " + name));
      return item;
    }));
    const words = there.map(name => `${state.counts[name]} ${name}`).join(", ");
    byId("bar").setAttribute("aria-label", "Trials by state: " + (words || "none"));
    const ended = all - (state.counts.waiting || 0) - (state.counts.running || 0), share = Math.floor(100 * ended / all);
    byId("headline").textContent = there.length ? `${ended} of ${state.known || all} trials have ended` : "Nothing has started yet";
    document.title = there.length ? `${share}\u00a0% \u2013 ${title}` : title;
    byId("pace").textContent = state.per_minute ? `${state.per_minute < 10 ? state.per_minute.toFixed(1) : Math.round(state.per_minute)} trials/min` : "–";
    byId("left").textContent = state.seconds_left === null ? "–" : "about " + duration(state.seconds_left);
    byId("bad").textContent = (state.counts.failed || 0) + (state.counts.diverged || 0);
    overTime("growth", "Ended trials", state.ended, "trials", (rows, high) => high, false);
    overTime("busy", "Places busy", state.busy, "places", (rows, high) => `${Math.ceil(high)} at most`, true);
    overTime("volume", "Hypervolume", state.volume, "value", rows => rows.at(-1).value.toFixed(3), true);
    byId("outlook-part").hidden = !state.outlook.length;
    byId("outlook").replaceChildren(...state.outlook.map(text => element("li", text)));
    byId("report-ready").hidden = !state.report;
    byId("report-words").textContent = state.final ? "what was found, with the answer first" : "of what was there when it was built; it is written anew when this run ends";
    showRunning(state);
    showFailures(state.failures);
  };

  const most = 50;
  const showTrials = () => {
    const sought = byId("sought").value.trim().toLowerCase().split(/\s+/), wanted = byId("state").value;
    const holds = trial => sought.every(word => `${trial.name} ${trial.key} ${trial.cause}`.toLowerCase().includes(word));
    const found = trials.filter(trial => (!wanted || trial.state === wanted) && holds(trial));
    byId("found").textContent = `${found.length} of ${trials.length} trials${found.length > most ? `, the first ${most} are shown` : ""}`;
    byId("trial-table").tBodies[0].replaceChildren(...found.slice(0, most).map(trial => line(
      heading(trial.name),
      element("td", trial.state),
      element("td", trial.seconds === null ? "–" : trial.seconds.toFixed(1), "n"),
      element("td", trial.budgets.join(", ") || "–"),
      element("td", trial.cause, "cause"),
      element("td", trial.key),
    )));
  };
  states.forEach(name => byId("state").append(Object.assign(element("option", name), { value: name })));
  byId("sought").addEventListener("input", showTrials);
  byId("state").addEventListener("change", showTrials);

  const fill = (key, values, name = value => value) => {
    const field = document.querySelector(`form [data-key="${key}"]`);
    const known = new Set([...field.options].map(option => option.value));
    values.filter(value => !known.has(String(value))).forEach(value => {
      const option = element("option", name(value));
      option.value = value;
      field.append(option);
    });
  };

  const showFront = data => {
    const points = window.candidatesDrawn(data);
    byId("nothing").hidden = points.length > 0;
    budget.form.hidden = !points.length;
    const references = data.figures.front ? data.figures.front.layout.meta.references : [];
    fill("method", [...new Set(points.map(point => point.method))].filter(name => !references.includes(name)).sort());
    fill("network", [...new Set(points.map(point => point.network))].sort());
    fill("budget", [...new Set(points.map(point => point.budget))].sort((a, b) => b - a), epochs);
    // Fronts of different budgets are not mixed unless asked for: the longest is shown until somebody chooses.
    const longest = String(points.reduce((most, point) => Math.max(most, point.budget), 0));
    for (const option of budget.options) option.defaultSelected = option.value === longest;
    if (points.length && !chosen) budget.value = longest;
    const among = points.filter(point => String(point.budget) === longest && !references.includes(point.method));
    const places = new Map(among.filter(point => point.complete).map(point => [point.place, point.front]));
    byId("on-front").textContent = places.size ? `${[...places.values()].filter(Boolean).length} of ${places.size} complete` : "none yet";
    if (points.length) window.showFigures(data);
  };

  const look = async () => {
    try {
      const state = await (await fetch("state.json")).json();
      showState(state);
      const counted = JSON.stringify([state.version, state.counts]);
      if (counted !== seen) {
        const answer = await fetch("trials.json");
        if (answer.ok) { trials = await answer.json(); seen = counted; showTrials(); }
      }
      if (state.version !== version) {
        const answer = await fetch("figures.json");
        if (answer.ok) { showFront(await answer.json()); version = state.version; }
      }
    } catch {
      byId("driver").textContent = "the dashboard has ended: start it again to go on";
    }
    setTimeout(look, document.hidden ? 15000 : 3000);
  };
  look();
})();
