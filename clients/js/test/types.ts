// What the declarations allow, and what they do not: checked by `npm run types`, never run.

import { connect, type GatewayError, type ReceivedGap, type ReceivedMessage, type State } from "trio-gateway";

const gateway = connect("wss://gateway.example/ws", { token: async () => "a.b.c", device: "phone", autoAck: false });

gateway.addEventListener("message", ({ detail }) => {
  const message: ReceivedMessage = detail;
  gateway.ack(message);
  // @ts-expect-error a channel without a history has no offsets
  message.offset.toFixed();
});
gateway.addEventListener("gap", ({ detail }) => gateway.ack(detail satisfies ReceivedGap), { once: true });
gateway.addEventListener("state", ({ detail: { state, data } }) => [state satisfies State, data?.welcome]);
gateway.addEventListener("error", ({ detail }) => detail.code satisfies GatewayError["code"]);

const subscription = gateway.subscribe("news", { since: gateway.position, data: { key: "s3cret" } });
subscription.addEventListener("subscribed", () => subscription.unsubscribe());
(await gateway.send("8", { text: "hi" }, { id: "m1", signal: AbortSignal.timeout(5_000) })) satisfies number;

// @ts-expect-error a state is told, not made
gateway.state = "online";
// @ts-expect-error there is no such option
connect("/ws", { devise: "phone" });
