/** The page: logging in and out, and what somebody does with it. */

import { Refused, ask, post } from "./api.js";
import { Chat } from "./chat.js";
import { showLogin } from "./view.js";

const RETRY_MS = 2000;
const find = (selector) => document.querySelector(selector);
const narrow = matchMedia("(max-width: 45rem)");
const drafts = new Map(); // what is written and not sent, for each conversation

let chat = null;

/** The conversation that the address names, so that Back works and a reload stays. */
const asked = () => location.hash.slice(1);

async function begin() {
  try {
    const session = await ask("api/session");
    if (!session.me) return logIn();
    chat = new Chat(session, { narrow: () => narrow.matches, lost: () => logIn("Please log in again.") });
    chat.start(asked());
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    setTimeout(begin, RETRY_MS);
  }
}

function logIn(message = "") {
  chat?.stop();
  chat = null;
  drafts.clear();
  showLogin(message);
}

function navigate() {
  const text = find("#text");
  if (chat.thread) drafts.set(chat.thread.channel, text.value);
  chat.open(asked(), { focus: true });
  text.value = drafts.get(chat.thread?.channel) ?? "";
}

find("#login form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await post("api/login", { name: find("#name").value });
    await begin();
  } catch (refused) {
    logIn(refused.message);
  }
});

find("#logout").addEventListener("click", async () => {
  await post("api/logout").catch(() => null); // without a connection it stays logged in, and says so by a reload
  logIn();
  location.hash = "";
});

find("#composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = find("#text").value.trim();
  if (text) chat.say(text);
  find("#text").value = "";
  find("#text").focus();
});

find("#text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  find("#composer").requestSubmit();
});

find("#earlier").addEventListener("click", () => chat.thread.loadEarlier());
addEventListener("hashchange", () => chat && navigate());
narrow.addEventListener("change", () => chat?.open(asked()));
addEventListener("online", () => chat?.outbox.flush());
document.addEventListener("visibilitychange", () => chat?.show());
// Where the keyboard covers the page instead of shrinking it (Safari), the page shrinks itself.
visualViewport?.addEventListener("resize", () => {
  document.documentElement.style.setProperty("--height", `${visualViewport.height}px`);
});

begin();
