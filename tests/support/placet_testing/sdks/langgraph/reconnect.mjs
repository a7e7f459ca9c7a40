// A stream that is cut in the middle: node reconnect.mjs PACKAGE URL KEY TEXT
// Goes on by itself where the SDK does so, and else from the last id that it has. Says every event that came, in order.
import { randomUUID } from "node:crypto";

const [, , sdk, apiUrl, apiKey, text] = process.argv;
const { Client } = await import(sdk);
const client = new Client({ apiUrl, apiKey });
const { thread_id: thread } = await client.threads.create({ graphId: "desk" });
const turns = [[{ tool: "note", args: { text, hold: "before" } }], [{ tool: "note", args: { text } }]];
const input = { messages: [{ type: "human", id: randomUUID(), content: JSON.stringify(turns) }] };

const events = [];
let run;
let id;
let broke = 0;
async function follow(stream) {
  for await (const chunk of stream) {
    if (!chunk.event) continue;
    id = chunk.id ?? id;
    const said = chunk.event === "updates" ? Object.values(chunk.data)[0].messages[0].id : chunk.data?.messages?.length;
    events.push([chunk.event, said ?? null]);
  }
}
const streamMode = ["values", "updates"];
const begin = () => client.runs.stream(thread, "desk", { input, streamMode, onRunCreated: (made) => (run = made.run_id) });
let next = begin;
while (events.at(-1)?.[0] !== "end") {
  try {
    await follow(next());
  } catch (error) {
    // A gateway that was killed takes a while to come back.
    if (broke > 120) throw error;
  }
  if (events.at(-1)?.[0] !== "end") {
    broke += 1;
    await new Promise((again) => setTimeout(again, 500));
  }
  next = () => client.runs.joinStream(thread, run, { lastEventId: id, streamMode });
}
console.log(JSON.stringify({ events }));
process.exit(0);
