"use strict";
(() => {
  const byId = id => document.getElementById(id);
  const states = ["complete", "running", "waiting", "stopped", "failed", "diverged"];
  const budget = document.querySelector('form [data-key="2"]');
  let version = null, chosen = false;
  budget.addEventListener("change", () => { chosen = true; });

  const duration = seconds => {
    if (seconds === null) return "";
    const minutes = Math.round(seconds / 60);
    if (seconds < 90) return `about ${seconds} s left`;
    return minutes < 90 ? `about ${minutes} min left` : `about ${(minutes / 60).toFixed(1)} h left`;
  };

  const element = (name, text, className) => {
    const made = document.createElement(name);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  const showState = state => {
    byId("driver").textContent = state.driver ? `at work: ${state.driver}` : "no run is at work in this folder";
    const all = Math.max(1, states.reduce((sum, name) => sum + (state.counts[name] || 0), 0));
    byId("bar").replaceChildren(...states.filter(name => state.counts[name]).map(name => {
      const part = element("span", "", "part " + name);
      part.style.width = 100 * state.counts[name] / all + "%";
      return part;
    }));
    const words = states.filter(name => state.counts[name]).map(name => `${state.counts[name]} ${name}`).join(" · ");
    byId("counts").textContent = words ? `${words}${state.known ? ` · ${state.known} trials in all` : ""}` : "Nothing has started yet.";
    byId("bar").setAttribute("aria-label", "Trials by state: " + (words || "none"));
    byId("pace").textContent = [state.per_minute ? `${state.per_minute} trials per minute of late` : "", duration(state.seconds_left)]
      .filter(Boolean).join(" · ");
    byId("running-part").hidden = !state.running.length;
    byId("running").replaceChildren(...state.running.map(trial =>
      element("li", `${trial.name}: ${trial.phase}${trial.of ? ` ${trial.epoch} of ${trial.of}` : ""}`)));
    byId("no-failures").hidden = state.failures.length > 0;
    byId("failure-table").hidden = !state.failures.length;
    byId("failure-table").tBodies[0].replaceChildren(...state.failures.map(row => {
      const line = document.createElement("tr");
      line.append(element("td", row[0]), element("td", row[1]), element("td", row[2], "cause"));
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
    const points = data.figures.front ? data.figures.front.data.flatMap(trace => trace.customdata || []) : [];
    byId("nothing").hidden = points.length > 0;
    const references = ["baseline", "control", "dense", "scratch"];
    fill(1, [...new Set(points.map(point => point[1]))].filter(name => !references.includes(name)).sort());
    fill(0, [...new Set(points.map(point => point[0]))].sort());
    fill(2, [...new Set(points.map(point => point[2]))].sort((a, b) => b - a), value => value + (value === 1 ? " epoch" : " epochs"));
    // Fronts of different budgets are not mixed unless asked for: the longest is shown until somebody chooses.
    if (points.length && !chosen) budget.value = String(Math.max(...points.map(point => point[2])));
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
