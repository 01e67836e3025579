/** Shows what there is: who and which conversations, what is unread, who is here. It changes nothing and asks nobody. */

import { arrange, avatar, element } from "./element.js";
import { showMessages } from "./messages.js";

const find = (selector) => document.querySelector(selector);

export function showLogin(message = "") {
  document.title = "Chat";
  find("#chat").hidden = true;
  find("#login").hidden = false;
  find("#login .error").textContent = message;
  find("#name").focus();
}

export function showChat(me) {
  find("#login").hidden = true;
  find("#chat").hidden = false;
  find("#me").replaceChildren(avatar(me), element("b", {}, me.name));
}

/** Puts the keyboard where somebody who opened a conversation goes on; on a phone that would cover half of it. */
export function focusThread(wide) {
  find(wide ? "#text" : "#thread").focus();
}

/** Puts the keyboard where somebody was before they opened a conversation. */
export function focusEntry(channel) {
  entries.get(channel)?.firstElementChild.focus();
}

const STATES = { connected: "Online", connecting: "Connecting…", disconnected: "Disconnected: reload the page" };

export function showState(state) {
  find("#state").className = state;
  find("#state").textContent = STATES[state];
}

/** Shows everything anew; `chat` is what chat.js knows. */
export function show(chat) {
  const online = new Set(chat.online.map(({ id }) => id));
  const others = chat.conversations.filter(({ person }) => person);
  arrange(find("#rooms"), chat.conversations.filter(({ person }) => !person).map((each) => entry(each, chat, online)));
  arrange(find("#people"), others.map((each) => entry(each, chat, online)));
  find("#nobody").hidden = others.length > 0;
  const unread = chat.conversations.reduce((sum, { channel }) => sum + chat.unread(channel), 0);
  document.title = unread ? `(${unread}) Chat` : "Chat";
  const open = chat.conversations.find(({ channel }) => channel === chat.thread?.channel);
  find("#chat").classList.toggle("open", Boolean(open));
  if (open) showThread(open, chat);
}

function entry({ channel, name, person }, chat, online) {
  const unread = chat.unread(channel);
  const here = person && online.has(person.id);
  const link = element(
    "a",
    { href: `#${channel}`, className: unread ? "unread" : "" },
    person ? avatar(person, here) : sign(),
    element("span", { className: "name" }, name),
    here ? element("span", { className: "hidden" }, "online") : null,
    unread ? element("span", { className: "badge" }, String(unread), element("span", { className: "hidden" }, " unread")) : null,
  );
  if (channel === chat.thread?.channel) link.ariaCurrent = "page";
  return kept(channel, link);
}

const entries = new Map();

/** Gives the list item of a conversation; the one that is there stays, as it may have the focus, unless it says something else. */
function kept(channel, link) {
  const item = entries.get(channel) ?? entries.set(channel, element("li")).get(channel);
  const shown = item.firstElementChild;
  if (shown?.outerHTML === link.outerHTML) return item;
  const focused = shown !== null && shown === document.activeElement;
  item.replaceChildren(link);
  if (focused) link.focus();
  return item;
}

function sign() {
  const made = element("span", { className: "avatar room" }, "#");
  made.ariaHidden = "true";
  return made;
}

let read = null;

function showThread(open, { thread, me, outbox, state }) {
  const here = thread.here.sort((one, other) => one.name.localeCompare(other.name));
  find("#title").textContent = open.name;
  find("#text").placeholder = `Write to ${open.name}`;
  const named = here.map((each) => (each.id === me.id ? "you" : each.name)).join(", ");
  find("#subtitle").textContent = state === "connected" ? named && `Here: ${named}` : STATES[state];
  const { stored, waiting } = outbox.missing(thread);
  const messages = [...thread.messages, ...stored];
  find("#empty").hidden = !thread.loaded || messages.length + waiting.length > 0;
  const log = find("#scroller");
  log.ariaLive = read === thread ? "polite" : "off"; // what was there already is not read out
  showMessages({ channel: open.channel, messages, earlier: thread.hasEarlier, waiting, me, outbox });
  log.ariaBusy = String(!thread.loaded);
  if (thread.loaded) read = thread;
  find("#here").replaceChildren(...here.map((each) => present(each, each.id === me.id)));
}

function present(person, me) {
  const you = me ? element("span", { className: "you" }, "you") : null;
  return element("li", {}, avatar(person, true), element("span", { className: "name" }, person.name), you);
}
