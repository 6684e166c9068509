/** The server's token, if it needs one. Only this tab keeps it. */

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
    // Without storage, the page asks for the token after each reload.
  }
}

function stored() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}
