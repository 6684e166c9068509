/** Every function that changes the document. They write text, never markup. */

const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** @param {string} id of an element of page.html. */
export function byId(id) {
  return found(document.getElementById(id), id);
}

/**
 * @param {ParentNode} parent
 * @param {string} selector
 * @returns {HTMLElement}
 */
export function part(parent, selector) {
  return found(parent.querySelector(selector), selector);
}

/**
 * @param {HTMLElement} element
 * @param {string | boolean | null} content the text to show; true and false only show and hide.
 */
export function show(element, content) {
  element.hidden = content === null || content === false || content === "";
  if (typeof content === "string") setText(element, content);
}

/**
 * @param {HTMLElement} element
 * @param {string} text
 */
export function setText(element, text) {
  // Characters that reverse the reading direction can disguise text.
  const honest = text.replace(/[\u202a-\u202e\u2066-\u2069]/g, (c) => `[U+${c.charCodeAt(0).toString(16)}]`);
  // Writing the same text again would clear the person's selection and repeat announcements.
  if (element.textContent !== honest) element.textContent = honest;
}

/**
 * @param {HTMLElement} element a `time`.
 * @param {unknown} timestamp RFC 3339; for anything else the element stays empty.
 * @param {(time: Date) => string} format
 */
export function setTime(element, timestamp, format) {
  const time = new Date(typeof timestamp === "string" ? timestamp : Number.NaN);
  if (Number.isNaN(time.getTime())) return setText(element, "");
  element.setAttribute("datetime", time.toISOString());
  element.title = time.toLocaleString();
  setText(element, format(time));
}

/**
 * Shows one element for each item. Items that stay keep their element, and with it focus, text selection and scrolling.
 *
 * @template T
 * @param {HTMLElement} container
 * @param {readonly T[]} items
 * @param {object} how
 * @param {string} how.template the id of the template for one element.
 * @param {(item: T) => string} how.keyOf
 * @param {(element: HTMLElement, item: T) => void} how.fill
 * @returns {HTMLElement[]} the new elements.
 */
export function reconcile(container, items, { template, keyOf, fill }) {
  const focused = document.activeElement;
  const before = new Map(childrenOf(container).map((element) => [element.dataset["key"], element]));
  /** @type {HTMLElement[]} */
  const added = [];
  items.forEach((item, index) => {
    const key = keyOf(item);
    const element = before.get(key) ?? copyOf(template);
    if (!before.delete(key)) added.push(element);
    element.dataset["key"] = key;
    fill(element, item);
    const present = container.children[index];
    if (present !== element) container.insertBefore(element, present ?? null);
  });
  for (const element of before.values()) element.remove();
  // Moving an element takes its focus away.
  if (focused !== document.activeElement && focused instanceof HTMLElement && focused.isConnected)
    focused.focus({ preventScroll: true });
  return added;
}

/** @param {Element} container */
export function childrenOf(container) {
  return /** @type {HTMLElement[]} */ ([...container.children]);
}

/** @param {Element | undefined} element */
export function flash(element) {
  if (calm.matches) return;
  const edge = (/** @type {string} */ color) => ({ boxShadow: `inset 4px 0 ${color}` });
  element?.animate([edge("var(--accent)"), edge("transparent")], { duration: 2000 });
}

/**
 * @param {string} id of a template.
 * @returns {HTMLElement}
 */
function copyOf(id) {
  const { content } = /** @type {HTMLTemplateElement} */ (byId(id));
  return /** @type {HTMLElement} */ (part(content, "*").cloneNode(true));
}

/**
 * @template T
 * @param {T | null} element
 * @param {string} name
 * @returns {T}
 */
function found(element, name) {
  if (element === null) throw new Error(`page.html has no ${name}`);
  return element;
}
