// What was asked and is not answered: it outlives connections, keeps its id, and is bounded.

import { nextDelay } from "./backoff.js";
import { now } from "./clock.js";
import { BAD_REQUEST, LIMIT_EXCEEDED, makeError, OUTCOME_UNKNOWN } from "./errors.js";
import { encode, type ErrorFrame, type Ok } from "./frames.js";
import type { Link } from "./link.js";

/**
 * Of requests that wait, from where on a publication is refused: subscriptions always have a place. The gateway lets a
 * client ask 2,000 times at once by default.
 */
const MAX_REQUESTS = 1_000;

/** Milliseconds in which a repetition with the same id is safe: the gateway knows an id for 5 minutes. */
const REPEATABLE = 270_000;

/** The store is away: that is as if the third attempt had come to nothing. */
const REPEAT_AFTER = 2;

export interface Request {
  readonly _type: string;
  readonly _ref: number;
  readonly _fields: object;
  /** Of its JSON text, in characters. */
  readonly _size: number;
  /** Of a publication; what has none is asked anew on each connection. */
  readonly _id: string | undefined;
  readonly _settle: Settle | undefined;
  /** When it was sent first. */
  _since?: number;
  /** The connection that it was sent on last; undefined where it is to be sent again. */
  _link?: Link | undefined;
}

/** Tell whether a request was sent first so long ago that the server may have forgotten its id. */
export const isLate = ({ _since }: Request): boolean => now() - _since! >= REPEATABLE;

/** Called once: with why there is no answer, or with the answer. */
export type Settle = (error?: unknown, ok?: Ok) => void;

/** Hold requests; `findLink` gives the connection that takes them now, if there is one. */
export function makeRequests(findLink: () => Link | undefined) {
  const waiting = new Map<number, Request>();
  let refs = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const settle = (request: Request | undefined, error?: unknown, ok?: Ok): void => {
    if (request && waiting.delete(request._ref)) request._settle?.(error, ok);
  };
  const fail = (request: Request, code: number, message: string): void =>
    settle(request, makeError(code, message, request._id));

  const send = (request: Request): void => {
    const link = findLink();
    if (!link || request._link === link) return;
    request._link = link;
    if (isLate(request)) fail(request, OUTCOME_UNKNOWN, "no answer");
    else link._request(request);
  };

  /** Send what is not sent, in the order in which it was asked for. */
  const flush = (): void => {
    timer = clearTimeout(timer) as undefined;
    waiting.forEach(send);
  };

  return {
    /** Settle a request, if it still waits. */
    _settle: settle,
    _answer: (ok: Ok) => settle(waiting.get(ok.ref), undefined, ok),

    /** Send a request as soon as that can be done. */
    _add(_type: string, fields: object, _settle?: Settle, _id?: string): Request {
      const text = encode({ ...fields, id: _id });
      const request: Request = { _type, _ref: ++refs, _fields: JSON.parse(text), _size: text.length, _id, _settle };
      waiting.set(refs, request);
      if (_id && waiting.size > MAX_REQUESTS) queueMicrotask(() => fail(request, LIMIT_EXCEEDED, "limit exceeded"));
      else send(request);
      return request;
    },

    _flush: flush,

    /** Take an error that answers a request; one without a code is nobody's word on the outcome. */
    _refuse({ ref, code, message, detail }: ErrorFrame): void {
      const request = waiting.get(ref!);
      if (!request) return;
      if (code > OUTCOME_UNKNOWN) return fail(request, code, detail || message);
      request._link = undefined;
      timer ??= setTimeout(flush, nextDelay(REPEAT_AFTER));
    },

    /** Take the loss of the connection: publications are sent again on the next one, the rest is not. */
    _lose(): void {
      timer = clearTimeout(timer) as undefined;
      waiting.forEach(({ _id }, ref) => _id || waiting.delete(ref));
    },

    /** Fail the largest request sent: the server took offence at the size of a frame. False where there is none. */
    _failLargest(): boolean {
      let largest: Request | undefined;
      for (const request of waiting.values()) if (request._link && !(request._size < largest?._size!)) largest = request;
      if (largest) fail(largest, BAD_REQUEST, "too large");
      return !!largest;
    },

    /** Fail all: there will be no other connection. */
    _end: (code: number, reason: string) => waiting.forEach((request) => fail(request, code, reason)),
  };
}

export type Requests = ReturnType<typeof makeRequests>;
