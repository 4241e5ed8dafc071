  // A pinned candidate: a click on its point or its name keeps its ring and its numbers, with its runs and its export command.
  let pinned = null, runsAt = "";
  const rowsOf = () => [...document.querySelectorAll("#candidates tbody tr[data-place]")];
  const frontPlot = () => document.getElementById("plot-front");
  const pin = place => {
    pinned = place;
    const div = frontPlot(), one = place === null ? null : candidates[place];
    rowsOf().forEach(row => row.classList.toggle("pinned", Number(row.dataset.place) === place && place !== null));
    if (!div || !div.parts) return;
    ring(div, place);
    tell(div, one ? hover[place] : "");
    if (one && one.name) {
      const card = document.getElementById(`card-${place}`), command = document.createElement("code");
      command.textContent = `prunefront export . --pick ${one.name}`;
      div.parts.detail.append(command);
      if (card) div.parts.detail.append(Object.assign(document.createElement("a"), { href: `#card-${place}`, textContent: "its card in the answer" }));
    }
    remember();
  };

  // Filters and the pinned candidate live in the address, so that a link shows what somebody saw.
  const FIELDS = "form[data-for=front] [data-key]";
  const usual = field => field.type === "checkbox" ? field.defaultChecked : field.tagName === "SELECT" ? ([...field.options].find(option => option.defaultSelected) || field.options[0]).value : field.defaultValue;
  const remember = () => {
    const said = new URLSearchParams();
    document.querySelectorAll(FIELDS).forEach(field => {
      const value = field.type === "checkbox" ? field.checked : field.value;
      if (value !== usual(field)) said.set(field.dataset.key, value === true ? "1" : value === false ? "0" : value);
    });
    if (pinned !== null && candidates[pinned]) said.set("pin", candidates[pinned].name);
    const hash = said.toString() ? `#?${said}` : "";
    if (document.getElementById("candidates") && (hash || location.hash.startsWith("#?"))) history.replaceState(null, "", location.href.split("#")[0] + hash);
  };
  const recall = () => {
    if (!location.hash.startsWith("#?")) return;
    const said = new URLSearchParams(location.hash.slice(2));
    document.querySelectorAll(FIELDS).forEach(field => {
      const value = said.get(field.dataset.key);
      if (value === null) return;
      if (field.type === "checkbox") field.checked = value === "1"; else field.value = value;
    });
    const found = candidates.find(one => one.name === said.get("pin"));
    if (found) pinned = found.place;
  };

  const showRows = form => {
    const keep = frontFilter(form, figures.front ? figures.front.layout.meta : { references: [], always: [] });
    rowsOf().forEach(row => { row.hidden = !keep(candidates[Number(row.dataset.place)]); });
  };
  document.querySelectorAll("#candidates .pick").forEach(button => button.addEventListener("click", () => {
    const place = Number(button.closest("tr").dataset.place);
    pin(pinned === place ? null : place);
  }));
  document.querySelectorAll(".choose input").forEach(box => box.addEventListener("change", () => {
    const table = document.getElementById("candidates"), heads = [...table.tHead.rows[0].cells];
    const at = heads.findIndex(head => head.dataset.column === box.dataset.column);
    for (const row of table.rows) if (row.cells[at]) row.cells[at].hidden = !box.checked;
  }));
