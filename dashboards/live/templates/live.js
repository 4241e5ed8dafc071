"use strict";
(() => {
  const byId = id => document.getElementById(id);
  const states = ["complete", "running", "waiting", "stopped", "failed", "diverged"];
  const budget = document.querySelector('form [data-key="budget"]');
  const title = document.title;
  let version = null, chosen = false;
  budget.addEventListener("change", () => { chosen = true; });
  budget.form.addEventListener("reset", () => { chosen = false; });

  const duration = seconds => {
    if (seconds === null) return "";
    const minutes = Math.round(seconds / 60);
    if (seconds < 90) return `about ${seconds} s`;
    return minutes < 90 ? `about ${minutes} min` : `about ${(minutes / 60).toFixed(1)} h`;
  };

  const element = (name, text, className) => {
    const made = document.createElement(name);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  const told = state => {
    if (state.driver) return `at work: ${state.driver}`;
    return state.counts.waiting ? `no run is at work in this folder: ${state.counts.waiting} trials wait for \u201cprunefront run\u201d` : "no run is at work in this folder: nothing is left to do";
  };

  // How many trials had ended, over time: seconds since the first, trials.
  const showGrowth = ended => {
    const { seconds: last, trials: top } = ended.at(-1) || { seconds: 0, trials: 0 };
    byId("growth").firstElementChild.setAttribute("points", last > 0 ? ended.map(({ seconds, trials }) => `${(240 * seconds / last).toFixed(1)},${(34 - 32 * trials / top).toFixed(1)}`).join(" ") : "");
    byId("growth-words").textContent = last > 0 ? `Ended trials over ${last < 5400 ? `${Math.max(1, Math.round(last / 60))} min` : `${(last / 3600).toFixed(1)} h`}` : "Ended trials over time";
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
    byId("left").textContent = duration(state.seconds_left) || "–";
    byId("bad").textContent = (state.counts.failed || 0) + (state.counts.diverged || 0);
    showGrowth(state.ended);
    byId("running-part").hidden = !state.running.length;
    byId("running").replaceChildren(...state.running.map(trial =>
      element("li", `${trial.name}: ${trial.phase}${trial.of ? ` ${trial.epoch} of ${trial.of}` : ""}`)));
    byId("no-failures").hidden = state.failures.length > 0;
    byId("failure-table").hidden = !state.failures.length;
    byId("failure-table").tBodies[0].replaceChildren(...state.failures.map(({ name, status, cause }) => {
      const line = document.createElement("tr");
      const head = element("th", name);
      head.scope = "row";
      line.append(head, element("td", status), element("td", cause, "cause"));
      return line;
    }));
  };

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
    fill("budget", [...new Set(points.map(point => point.budget))].sort((a, b) => b - a), value => value + (value === 1 ? " epoch" : " epochs"));
    // Fronts of different budgets are not mixed unless asked for: the longest is shown until somebody chooses.
    const longest = String(points.reduce((most, point) => Math.max(most, point.budget), 0));
    for (const option of budget.options) option.defaultSelected = option.value === longest;
    if (points.length && !chosen) budget.value = longest;
    const among = points.filter(point => String(point.budget) === longest && !references.includes(point.method));
    const seen = new Map(among.filter(point => point.complete).map(point => [point.place, point.front]));
    byId("on-front").textContent = seen.size ? `${[...seen.values()].filter(Boolean).length} of ${seen.size} complete` : "none yet";
    if (points.length) window.showFigures(data);
  };

  const look = async () => {
    try {
      const state = await (await fetch("state.json")).json();
      showState(state);
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
