/** The form that asks for the server's token. */

import { byId, setText, show } from "./dom.js";
import { keepToken, token } from "./token.js";

/** The characters that a header can carry; anything else is no token. */
const TOKEN = /^[\x21-\x7e]+$/;
const REFUSED = "The server does not accept this token.";

const form = byId("login");
const input = /** @type {HTMLInputElement} */ (byId("token"));
const problem = byId("token-problem");

/** @param {() => void} tryToken called when the person has entered a token. */
export function onLogin(tryToken) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!TOKEN.test(text)) return askAgain();
    keepToken(text);
    clearProblem();
    tryToken();
  });
}

/** Shows the form, and forgets a token that the server has just refused. */
export function askForToken() {
  const isNew = form.hidden;
  show(form, true);
  if (token() !== null) {
    keepToken(null);
    askAgain();
  } else if (isNew) input.focus();
}

export function hideLogin() {
  show(form, false);
  input.value = "";
  clearProblem();
}

function clearProblem() {
  setText(problem, "");
  input.removeAttribute("aria-invalid");
}

function askAgain() {
  setText(problem, REFUSED);
  input.setAttribute("aria-invalid", "true");
  input.focus();
  input.select();
}
