"use strict";
(() => {
{% include "tables.js" %}
  const field = document.getElementById("sought"), table = document.getElementById("candidates");
  const show = () => {
    const words = field.value.trim().toLowerCase().split(/\s+/), rows = [...table.tBodies[0].rows];
    for (const row of rows) row.hidden = !words.every(word => row.cells[0].textContent.toLowerCase().includes(word));
    document.getElementById("found").textContent = `${rows.filter(row => !row.hidden).length} of ${rows.length} candidates`;
  };
  if (field) { field.addEventListener("input", show); show(); }
})();
