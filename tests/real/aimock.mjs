// aimock with our answers: aimock.mjs INSTALLED ANSWERS PORT KEY. Its own command line cannot be told what reranking answers.
import { pathToFileURL } from "node:url";

const [installed, answers, port, key] = process.argv.slice(2);
const { LLMock } = await import(pathToFileURL(`${installed}/node_modules/@copilotkit/aimock/dist/index.js`));
const mock = new LLMock({ host: "127.0.0.1", port: Number(port), strict: true, auth: { apiKeys: [key] } });
mock.loadFixtureFile(answers);
mock.onRerank(/cats/, [
  { index: 1, relevance_score: 0.9 },
  { index: 2, relevance_score: 0.2 },
]);
await mock.start();
