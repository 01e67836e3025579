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

/** Shows the chat or asks who somebody is, as soon as the back end says which. */
async function begin() {
  const session = await findSession();
  if (!session.me) return logIn();
  chat = new Chat(session, { narrow: () => narrow.matches, lost: () => logIn("Please log in again.") });
  chat.start(asked());
}

async function findSession() {
  for (;;) {
    try {
      return await ask("api/session");
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }
}

function logIn(message = "") {
  chat?.stop();
  chat = null;
  drafts.clear();
  find("#text").value = "";
  showLogin(message);
}

function navigate({ focus = false } = {}) {
  const text = find("#text");
  if (chat.thread) drafts.set(chat.thread.channel, text.value);
  chat.open(asked(), { focus });
  text.value = drafts.get(chat.thread?.channel) ?? "";
}

find("#login form").addEventListener("submit", async (event) => {
  event.preventDefault();
  event.submitter.disabled = true; // one login at a time: a second one would be a second chat
  try {
    await post("api/login", { name: find("#name").value });
    await begin();
  } catch (refused) {
    logIn(refused.message);
  } finally {
    event.submitter.disabled = false;
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
addEventListener("hashchange", () => chat && navigate({ focus: true }));
narrow.addEventListener("change", () => chat && navigate());
addEventListener("online", () => chat?.outbox.flush());
document.addEventListener("visibilitychange", () => chat?.show());
// Where the keyboard covers the page instead of shrinking it (Safari), the page shrinks itself.
visualViewport?.addEventListener("resize", () => {
  document.documentElement.style.setProperty("--height", `${visualViewport.height}px`);
});

begin();
