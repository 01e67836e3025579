/** Makes elements. What people write becomes text, never markup: there is no other way to put it in. */

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Has a list contain these nodes in this order; those that are there already stay, so that nothing is read out twice. */
export function arrange(list, nodes) {
  nodes.forEach((node, index) => {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
  while (list.children.length > nodes.length) list.lastElementChild.remove();
}

export function avatar({ id, name }, online = false) {
  const letters = name.split(" ").map((word) => [...word][0]).join("");
  const made = element("span", { className: online ? "avatar online" : "avatar" }, [...letters].slice(0, 2).join("").toUpperCase());
  made.ariaHidden = "true";
  made.style.setProperty("--hue", (id * 137) % 360); // neighbours get colours that are far apart
  return made;
}
