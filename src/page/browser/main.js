/** The state of the page: the chosen session, what the server sent, and when to ask it again. */

import { getJson, RefusedError, sessionPath } from "./api.js";
import { connectionOf } from "./connection.js";
import { byId, setText, show } from "./dom.js";
import { LiveStream } from "./live-stream.js";
import { askForToken, hideLogin, onLogin } from "./login.js";
import { clearMessages, MAX_MESSAGES, renderMessages } from "./messages.js";
import { paced } from "./paced.js";
import { announce, linkTo, renderSessions } from "./session-list.js";
import { aboutOf, titleOf } from "./session.js";

/** @import { Reset, SessionEvent } from "../../session/events.ts" */
/** @import { Message, Session } from "../../session/session.ts" */
/** @import { Status } from "./live-stream.js" */

/** Time (ms) between two attempts while something fails. */
const RETRY_MS = 3000;
/** How often (ms) "2 min ago" and the title of a hidden tab are updated. */
const REFRESH_MS = 60_000;
const MAX_SESSIONS = 100;

/** @type {readonly Session[]} */
let sessions = [];
let isLoaded = false;
/** Why the last request for the list failed. @type {unknown} */
let problem = null;
/** The server requires a token. */
let isLocked = false;
/** @type {string | null} */
let selectedId = null;
/** The server has sent the selected session's messages. */
let isFound = false;
/** The newest known version of each session. @type {Map<string, string>} */
const versions = new Map();
/** Sessions that changed since the person last saw them. @type {Set<string>} */
const unread = new Set();
/** Sessions whose change the page has not announced yet. @type {Set<string>} */
const news = new Set();
/** @type {Status} */
let stream = { state: "connecting", unreadable: null };
const live = new LiveStream({ onEvent, onStatus });

const refreshSessions = paced(async () => {
  try {
    const page = /** @type {{ sessions: Session[], total: number }} */ (
      await getJson(`api/v1/sessions?limit=${MAX_SESSIONS}`)
    );
    for (const { id, version } of page.sessions) noteVersion(id, version);
    ({ sessions } = page);
    for (const id of unread) if (!sessions.some((session) => session.id === id)) unread.delete(id);
    isLoaded = true;
    problem = null;
    const isPart = page.total > sessions.length;
    show(byId("more"), isPart && `The newest ${sessions.length} of ${page.total} sessions`);
    if (isLocked) unlock();
  } catch (error) {
    problem = error;
    if (isUnauthorized(error)) lock();
  }
  render();
  announce(sessions.filter(({ id }) => news.delete(id)));
  arrangeStream();
});

const refreshMessages = paced(async () => {
  const id = selectedId;
  if (id === null || isLocked) return;
  try {
    const { messages } = /** @type {{ messages: Message[] }} */ (
      await getJson(`${sessionPath(id)}/messages?limit=${MAX_MESSAGES}&direction=desc`)
    );
    if (id !== selectedId) return;
    const isFirstTime = !isFound;
    isFound = true;
    show(byId("notice"), null);
    renderMessages(messages.toReversed(), isFirstTime);
  } catch (error) {
    if (id === selectedId && error instanceof RefusedError) refuseMessages(error);
  }
});

addEventListener("hashchange", select);
document.addEventListener("visibilitychange", () => {
  arrangeStream();
  if (!document.hidden) refresh();
});
byId("skip").addEventListener("click", () => byId("scroller").focus());
onLogin(refreshSessions);
setInterval(refreshSessions, REFRESH_MS);
setInterval(retry, RETRY_MS);
select();
void refreshSessions();

function refresh() {
  if (!document.hidden && selectedId !== null) unread.delete(selectedId);
  void refreshSessions();
  void refreshMessages();
}

function retry() {
  if (document.hidden || isLocked) return;
  if (problem !== null) refresh();
  else live.revive();
}

/** Opens the stream only after the list has loaded: an EventSource gives no reasons for its errors. */
function arrangeStream() {
  if (document.hidden || isLocked) live.stop();
  else if (isLoaded) live.start();
  renderConnection();
}

/** @param {Status} status */
function onStatus(status) {
  stream = status;
  // The stream does not carry changes from before it opened; and only the list says why a stream was lost.
  if (status.state !== "connecting") refresh();
  renderConnection();
}

/** @param {SessionEvent | Reset} event */
function onEvent(event) {
  void refreshSessions();
  // The list shows what changed in the others.
  if (event.event === "reset" || event.data !== selectedId) return;
  if (event.event === "session_updated") return noteVersion(event.data, event.version);
  versions.delete(event.data);
  void refreshMessages();
}

/**
 * @param {string} id
 * @param {string} version
 */
function noteVersion(id, version) {
  if (versions.get(id) === version) return;
  versions.set(id, version);
  if (!isLoaded) return;
  news.add(id);
  if (id !== selectedId || document.hidden) unread.add(id);
  if (id === selectedId) void refreshMessages();
}

function select() {
  const lastId = selectedId;
  selectedId = idInHash();
  isFound = false;
  if (selectedId !== null) unread.delete(selectedId);
  clearMessages();
  show(byId("notice"), null);
  setText(byId("session-title"), selectedId ?? "");
  setText(byId("session-about"), "");
  render();
  void refreshMessages();
  // On a phone the focused element is hidden now: focus moves to the list or the session.
  if (selectedId !== null && !byId("sessions").checkVisibility()) byId("session-title").focus();
  else if (selectedId === null) linkTo(lastId)?.focus();
}

/** @param {RefusedError} error */
function refuseMessages(error) {
  if (isUnauthorized(error)) void refreshSessions();
  else if (error.status === 404 && isFound)
    show(byId("notice"), "This session was deleted. These are its last known messages.");
  else show(byId("notice"), error.message);
}

function lock() {
  isLocked = true;
  render();
  askForToken();
}

function unlock() {
  isLocked = false;
  hideLogin();
  render();
  void refreshMessages();
  // The focused field is hidden now.
  if (selectedId === null) byId("sessions").querySelector("a")?.focus();
  else byId("session-title").focus();
}

function render() {
  const selected = sessions.find(({ id }) => id === selectedId);
  const view = viewNow();
  document.body.dataset["view"] = view;
  show(byId("empty"), view === "empty");
  show(byId("choose"), view === "list" && sessions.length > 0);
  for (const id of ["session", "skip"]) show(byId(id), view === "session");
  if (selected !== undefined) {
    setText(byId("session-title"), titleOf(selected));
    setText(byId("session-about"), `${aboutOf(selected)} · ${selected.id}`);
  }
  renderSessions(sessions, selectedId, unread);
  document.title = unread.size > 0 ? `(${unread.size}) sessionwatch` : "sessionwatch";
}

function viewNow() {
  if (isLocked) return "locked";
  if (selectedId !== null) return "session";
  return isLoaded && sessions.length === 0 ? "empty" : "list";
}

function renderConnection() {
  const { state, text } = connectionOf(problem, stream, { isLoaded, isLocked });
  byId("connection").dataset["state"] = state;
  setText(byId("connection"), text);
}

function idInHash() {
  const text = location.hash.slice(1);
  try {
    return decodeURIComponent(text) || null;
  } catch {
    return text;
  }
}

/** @param {unknown} error */
function isUnauthorized(error) {
  return error instanceof RefusedError && error.status === 401;
}
