/**
 * The page and its files, as texts inside the program. The server sends them as they are: a browser runs what the linter and
 * the compiler have checked.
 */

import api from "./browser/api.js" with { type: "text" };
import connection from "./browser/connection.js" with { type: "text" };
import dom from "./browser/dom.js" with { type: "text" };
import icon from "./browser/icon.svg" with { type: "text" };
import liveStream from "./browser/live-stream.js" with { type: "text" };
import login from "./browser/login.js" with { type: "text" };
import main from "./browser/main.js" with { type: "text" };
import messagesStyle from "./browser/messages.css" with { type: "text" };
import messages from "./browser/messages.js" with { type: "text" };
import paced from "./browser/paced.js" with { type: "text" };
import pageStyle from "./browser/page.css" with { type: "text" };
import page from "./browser/page.html" with { type: "text" };
import phoneStyle from "./browser/phone.css" with { type: "text" };
import session from "./browser/session.js" with { type: "text" };
import sessionList from "./browser/session-list.js" with { type: "text" };
import sessionsStyle from "./browser/sessions.css" with { type: "text" };
import times from "./browser/times.js" with { type: "text" };
import token from "./browser/token.js" with { type: "text" };

/** One file that a browser gets as it is. */
interface BrowserFile {
  /** The path that the page loads it from. */
  path: `/${string}`;
  type: string;
  text: string;
}

/** The page, and the files that it loads. Bun's types treat every HTML file as a bundle, but an import as text is text. */
export const PAGE_FILES: { page: string; files: readonly BrowserFile[] } = {
  page: page as unknown as string,
  files: [
    ...filesOf("text/javascript; charset=utf-8", {
      "api.js": api,
      "connection.js": connection,
      "dom.js": dom,
      "live-stream.js": liveStream,
      "login.js": login,
      "main.js": main,
      "messages.js": messages,
      "paced.js": paced,
      "session-list.js": sessionList,
      "session.js": session,
      "times.js": times,
      "token.js": token,
    }),
    ...filesOf("text/css; charset=utf-8", {
      "messages.css": messagesStyle,
      "page.css": pageStyle,
      "phone.css": phoneStyle,
      "sessions.css": sessionsStyle,
    }),
    ...filesOf("image/svg+xml", { "icon.svg": icon }),
  ],
};

function filesOf(type: string, texts: Record<string, string>): BrowserFile[] {
  return Object.entries(texts).map(([name, text]) => ({ path: `/page/${name}`, type, text }));
}
