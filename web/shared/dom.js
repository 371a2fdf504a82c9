// dom.js - elements made by hand. All text goes in as text: names come from feeds, reasons from
// people, and neither is to be trusted with markup.

export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== "") made.textContent = text;
  return made;
}

// An element with what stands in it: texts and elements, and nothing where there is null.
export function box(tag, className, ...inside) {
  const made = element(tag, className);
  made.append(...inside.filter((each) => each !== null && each !== undefined && each !== ""));
  return made;
}

export function button(text, onClick, className = "") {
  const made = element("button", className, text);
  made.type = "button";
  made.addEventListener("click", onClick);
  return made;
}

// rows: [value, text]
export function select(rows, value) {
  const made = document.createElement("select");
  for (const [each, text] of rows) {
    const option = element("option", "", text);
    option.value = each;
    made.append(option);
  }
  if (value !== undefined) made.value = value;
  return made;
}

export function input(attributes = {}) {
  const made = document.createElement("input");
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// The control under its label.
export function field(label, control, hint = "") {
  const text = element("span", "field-label", label);
  return box("label", "field", text, control, hint && element("span", "quiet small", hint));
}

// {id: element} of the page; a page without one of them is broken and says so at once.
export function nodesOf(...ids) {
  return Object.fromEntries(ids.map((id) => {
    const found = document.getElementById(id);
    if (!found) throw new Error("no element " + id);
    return [id, found];
  }));
}

// Sets a text only where it is another one, so that nothing is announced or drawn again.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Exactly these children, each moved only when it stands elsewhere: what has the focus keeps it.
export function arrange(parent, children) {
  for (const old of [...parent.children]) if (!children.includes(old)) old.remove();
  children.forEach((child, index) => {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] || null);
  });
}
