  // A click on a column's head sorts the table by it: the numbers in its cells, or else their words.
  const worth = cell => {
    const text = (cell.dataset.value ?? cell.textContent).trim().replace(/\u2212/g, "-");
    const found = /^([-+]?[\d.,]*\d)\s*([kMG]?)/.exec(text.replace(/,/g, ""));
    return found ? Number(found[1]) * { "": 1, k: 1e3, M: 1e6, G: 1e9 }[found[2]] : text === "–" ? -Infinity : text;
  };
  const compared = (a, b) => (typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1);
  const sortable = head => {
    const table = head.closest("table"), at = [...head.parentNode.children].indexOf(head);
    const button = Object.assign(document.createElement("button"), { type: "button", title: "sort" });
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") === "descending";
      for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => compared(worth(a.cells[at]), worth(b.cells[at])) * (up ? 1 : -1));
      table.tBodies[0].append(...rows);
    });
  };
  document.querySelectorAll("table.sort thead th").forEach(sortable);
