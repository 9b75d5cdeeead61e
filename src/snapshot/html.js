"use strict";
const svg = document.querySelector("svg");
const edges = [];
for (const link of document.querySelectorAll("a.ref")) {
  const to = document.getElementById(link.hash.slice(1));
  if (!to) continue;
  const path = svg.appendChild(document.createElementNS(svg.namespaceURI, "path"));
  edges.push({ link, from: link.closest(".node"), to, path });
}

// Who is referred to more than once is shared.
const counts = new Map();
for (const { to } of edges) counts.set(to, (counts.get(to) ?? 0) + 1);
for (const [node, count] of counts) {
  if (count < 2) continue;
  const badge = node.querySelector("h2").appendChild(document.createElement("span"));
  badge.className = "count";
  badge.textContent = ` referred to ${count} times`;
}

// An edge leads from where the reference is to the upper left corner of what it refers to.
function draw() {
  const origin = svg.getBoundingClientRect();
  for (const { link, from, to, path } of edges) {
    const at = link.getBoundingClientRect(), node = from.getBoundingClientRect(), goal = to.getBoundingClientRect();
    const x = node.right - origin.left, y = at.top + at.height / 2 - origin.top;
    const u = goal.left - origin.left, v = goal.top + 14 - origin.top;
    const bend = u > x ? (u - x) / 2 : 50;
    path.setAttribute("d", `M${x} ${y}C${x + bend} ${y} ${u - bend} ${v} ${u} ${v}`);
  }
}
addEventListener("resize", draw);
draw();

// What refers to a node is highlighted with it, while the pointer is on it or after a click.
let pinned = null;
function highlight(node) {
  for (const hot of document.querySelectorAll(".hot")) hot.classList.remove("hot");
  if (!node) return;
  node.classList.add("hot");
  for (const { link, from, to, path } of edges) {
    if (to === node) [link, from, path].forEach((it) => it.classList.add("hot"));
  }
}
function meant(target) {
  const link = target.closest?.("a.ref");
  return link ? document.getElementById(link.hash.slice(1)) : target.closest?.(".node");
}
for (const event of ["mouseover", "focusin"]) {
  document.addEventListener(event, ({ target }) => pinned ?? highlight(meant(target)));
}
document.addEventListener("click", ({ target }) => {
  const node = target.closest("h2, a.ref") ? meant(target) : null;
  pinned?.classList.remove("pinned");
  pinned = node === pinned ? null : node;
  pinned?.classList.add("pinned");
  highlight(pinned ?? meant(target));
});
