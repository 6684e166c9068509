/** What the reader has chosen, what the server says, and when to ask it again. */

import { getJson, RefusedError, sessionPath } from "./api.js";
import { connectionOf } from "./connection.js";
import { byId, setText, show } from "./dom.js";
import { LiveStream } from "./live-stream.js";
import { askForToken, hideLogin, onLogin } from "./login.js";
import { clearMessages, MAX_MESSAGES, renderMessages } from "./messages.js";
import { paced } from "./paced.js";
import { aboutOf, announce, linkTo, renderSessions, titleOf } from "./session-list.js";

/** @import { Reset, SessionEvent } from "../../session/events.ts" */
/** @import { Session } from "../../session/session.ts" */
/** @import { Status } from "./live-stream.js" */
/** @import { Message } from "./messages.js" */

/** Between two attempts, in ms, while something does not work. */
const RETRY_MS = 3000;
/** So often (ms), "2 min ago" is put right, and a hidden tab learns what its title is to say. */
const REFRESH_MS = 60_000;
const MAX_SESSIONS = 100;

/** @type {readonly Session[]} */
let sessions = [];
let isLoaded = false;
/** Why the last request for the list failed. @type {unknown} */
let problem = null;
/** The server wants a token. */
let isLocked = false;
/** @type {string | null} */
let selectedId = null;
/** The selected session's messages were found. */
let isFound = false;
/** The newest version that was heard of, for each session. @type {Map<string, string>} */
const versions = new Map();
/** Sessions that changed and were not looked at since. @type {Set<string>} */
const unread = new Set();
/** Sessions whose change was not shown yet. @type {Set<string>} */
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

/** The stream begins when the list has shown that the server answers: its own errors have no reasons. */
function arrangeStream() {
  if (document.hidden || isLocked) live.stop();
  else if (isLoaded) live.start();
  renderConnection();
}

/** @param {Status} status */
function onStatus(status) {
  stream = status;
  // What happened before the stream was open was not told; and why it was lost, only the list can say.
  if (status.state !== "connecting") refresh();
  renderConnection();
}

/** @param {SessionEvent | Reset} event */
function onEvent(event) {
  void refreshSessions();
  // The list says what has become of the others.
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
  // On a phone the focused element has just been hidden: the list or the session takes its place.
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
  // The field that had the focus is gone.
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
