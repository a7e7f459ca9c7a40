// A page on a run that is under way while something breaks: node held.mjs PACKAGE URL KEY TEXT
// A page whose stream breaks for good is opened again, as a person would; where a crash left it open whether the tool ran,
// that person says that it did not. Says what the page shows in the end.
import { randomUUID } from "node:crypto";
import { page, until } from "./pages.mjs";

const [, , sdk, apiUrl, apiKey, text] = process.argv;
const newest = sdk === "@langchain/react";
const { useStream } = await import(newest ? sdk : `${sdk}/react`);
// What nobody of theirs waits for a browser writes into its log; Node would end.
process.on("unhandledRejection", (error) => console.error(String(error)));
let thread;
const chat = () =>
  page((seen) =>
    useStream({
      apiUrl,
      apiKey,
      assistantId: "desk",
      threadId: thread,
      fetchStateHistory: true,
      reconnectOnMount: true,
      onThreadId: (made) => (thread = made),
      onError: (error) => seen.errors.push(String(error)),
    }),
  );
const opened = [chat()];
const turns = [[{ tool: "note", args: { text, hold: "before" } }]];
await until("a page", () => opened[0].stream);
opened[0].stream.submit({ messages: [{ type: "human", id: randomUUID(), content: JSON.stringify(turns) }] });
function answer(seen) {
  const { stream } = seen;
  const asked = stream?.interrupt?.id;
  if (!asked || seen.answered === asked || stream.isLoading) return;
  Object.assign(seen, { answered: asked, at: Date.now() });
  if (newest) stream.respond("not_run", { interruptId: asked });
  else stream.submit(undefined, { command: { resume: { [asked]: "not_run" } } });
}
await until("the end", () => {
  const seen = opened.at(-1);
  answer(seen);
  const broke = seen.stream && !seen.stream.isLoading && (seen.stream.error || !seen.shown().includes("Noted"));
  if (thread && broke && opened.length < 60 && Date.now() - (seen.at ??= Date.now()) > 5_000) {
    seen.root.unmount();
    opened.push(chat());
  }
  return seen.shown().endsWith(`Noted ${text}. / Noted ${text}.`);
}, 120_000);
console.log(JSON.stringify({ shown: opened.at(-1).stream.messages.length }));
process.exit(0);
