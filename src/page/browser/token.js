/** The token that the server wants, if it wants one: this tab keeps it, and no other. */

const KEY = "sessionwatch-token";

let current = stored();

/** @returns {string | null} */
export function token() {
  return current;
}

/** @param {string | null} text null forgets it. */
export function keepToken(text) {
  current = text;
  try {
    if (text === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, text);
  } catch {
    // A browser that stores nothing for this page asks for the token after each reload.
  }
}

function stored() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}
