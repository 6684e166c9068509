/** The messages of the selected session. */

import { byId, flash, part, reconcile, setText, setTime, show } from "./dom.js";
import { dateAndTime } from "./times.js";

/** @import { Message } from "../../session/session.ts" */

export const MAX_MESSAGES = 50;
/** More, such as a pasted log of megabytes, would freeze the page. */
const MAX_CHARACTERS = 20_000;
/** Within this distance (px) of the end, the list follows new messages. */
const END_PX = 40;

const list = byId("messages");
const scroller = byId("scroller");
const earlier = byId("earlier");
const jump = byId("jump");

let isFollowing = true;

jump.addEventListener("click", scrollToEnd);
scroller.addEventListener("scroll", noteScrolling, { passive: true });
// The header above it grows when the list loads.
new ResizeObserver(() => isFollowing && scrollToEnd()).observe(scroller);

export function clearMessages() {
  list.replaceChildren();
  show(earlier, false);
  show(jump, false);
}

/**
 * @param {readonly Message[]} messages in reading order.
 * @param {boolean} isFirstTime nothing of this session was shown before.
 */
export function renderMessages(messages, isFirstTime) {
  isFollowing = isFirstTime || isAtEnd();
  const added = reconcile(list, messages, {
    template: "message-row",
    keyOf: ({ ordinal }) => String(ordinal),
    fill,
  });
  const isPart = messages.length === MAX_MESSAGES && messages[0]?.ordinal !== 0;
  show(earlier, isPart && `Only the latest ${MAX_MESSAGES} messages are shown.`);
  if (!isFirstTime) added.forEach(flash);
  if (isFollowing) scrollToEnd();
  else if (added.length > 0) show(jump, true);
}

/**
 * @param {HTMLElement} item
 * @param {Message} message
 */
function fill(item, message) {
  const content = String(message.content ?? "");
  const rest = content.length - MAX_CHARACTERS;
  const cut = `\n… and ${rest.toLocaleString()} more characters`;
  item.className = message.is_system ? "system" : message.role === "user" ? "user" : "";
  setText(part(item, ".role"), message.is_system ? "system" : message.role);
  setText(part(item, ".tools"), (message.tool_calls ?? []).map((call) => call.tool_name).join(", "));
  setTime(part(item, "time"), message.timestamp, dateAndTime);
  setText(part(item, ".content"), rest > 0 ? content.slice(0, MAX_CHARACTERS) + cut : content);
}

function noteScrolling() {
  isFollowing = isAtEnd();
  if (isFollowing) show(jump, false);
}

function isAtEnd() {
  return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < END_PX;
}

function scrollToEnd() {
  scroller.scrollTop = scroller.scrollHeight;
}
