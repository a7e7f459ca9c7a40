// A page of the docs that approves what waits: node approving.mjs FILE URL KEY THREAD
// Says what the page shows in the end.
import { page, until } from "./pages.mjs";

const [, , file, apiUrl, apiKey, threadId] = process.argv;
const { useChat } = await import(`./${file}`);
let chat;
const seen = page(() => {
  chat = useChat({ apiUrl, apiKey, assistantId: "desk", threadId });
  return chat.stream;
});
await until("the interrupt", () => seen.stream?.interrupt?.id);
await chat.approve();
await until("the end", () => !seen.stream.isLoading && !seen.stream.interrupt && seen.shown().includes("Sent"));
console.log(JSON.stringify({ shown: seen.shown().split(" / ").at(-1) }));
process.exit(0);
