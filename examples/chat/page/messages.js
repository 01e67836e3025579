/** Shows the messages of a conversation, and below them what is on its way; keeps the place where somebody reads. */

import { arrange, avatar, element } from "./element.js";

const TOGETHER_MS = 5 * 60 * 1000; // messages of one person within that time stand together
const AT_THE_END = 80; // pixels

const list = document.querySelector("#messages");
const scroller = document.querySelector("#scroller");
const nodes = new Map(); // what is shown, by what it depends on
let shown = null; // whose outbox: somebody else's has other buttons, and other messages are mine

const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat("en", { weekday: "long", day: "numeric", month: "long" });

export function showMessages({ channel, messages, earlier, waiting, me, outbox }) {
  const moved = list.dataset.channel !== channel || shown !== outbox;
  const atEnd = moved || scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < AT_THE_END;
  const inView = atEnd ? [] : below(scroller.scrollTop);
  if (moved) nodes.clear();
  list.dataset.channel = channel;
  shown = outbox;
  document.querySelector("#earlier").hidden = !earlier;
  arrange(list, [...rows(messages, me), ...waiting.map((message) => pending(message, outbox))]);
  const read = inView.find(({ row }) => row.isConnected);
  if (atEnd) scroller.scrollTop = scroller.scrollHeight;
  else if (read) scroller.scrollTop += read.row.offsetTop - read.top;
}

/** Where messages stand that are not above this place. */
function below(place) {
  const found = [...list.children].filter((row) => row.offsetTop >= place && !row.matches(".day"));
  return found.map((row) => ({ row, top: row.offsetTop }));
}

function rows(messages, me) {
  const made = [];
  let last = null;
  for (const message of messages) {
    const date = day.format(message.time);
    if (!last || date !== day.format(last.time)) {
      made.push(once(`day ${date}`, () => element("li", { className: "day" }, date)));
      last = null;
    }
    const first = last?.from.id !== message.from.id || message.time - last.time > TOGETHER_MS;
    made.push(once(`${message.id} ${first}`, () => row(message, first, message.from.id === me.id)));
    last = message;
  }
  return made;
}

function row(message, first, mine) {
  const about = element("p", { className: "about" }, element("b", {}, mine ? "You" : message.from.name), when(message.time));
  return element(
    "li",
    { className: `${mine ? "mine" : ""} ${first ? "first" : ""}` },
    first && !mine ? avatar(message.from) : null,
    first ? about : element("span", { className: "hidden" }, mine ? "You" : message.from.name),
    element("div", { className: "bubble" }, message.text),
  );
}

function pending(message, outbox) {
  const failed = Boolean(message.error);
  return once(`pending ${message.id} ${message.error}`, () =>
    element(
      "li",
      { className: failed ? "mine pending failed" : "mine pending" },
      element("div", { className: "bubble" }, message.text),
      element(
        "p",
        { className: "waiting" },
        failed ? `Not sent: ${message.error}` : "Waiting to be sent",
        failed ? element("button", { type: "button", onclick: () => outbox.retry(message.id) }, "Try again") : null,
        failed ? element("button", { type: "button", onclick: () => outbox.remove(message.id) }, "Discard") : null,
      ),
    ),
  );
}

function when(time) {
  return element("time", { dateTime: new Date(time).toISOString() }, clock.format(time));
}

/** Makes a node the first time that it is asked for. */
function once(key, make) {
  if (!nodes.has(key)) nodes.set(key, make());
  return nodes.get(key);
}
