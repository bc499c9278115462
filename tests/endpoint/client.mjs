// Has AWS's SDK for JavaScript say what conversation.py has, which comes as JSON on standard input, and writes
// each answer as a line of JSON. Endpoint and credentials are found as a program's are: in the environment.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

// A directory with node_modules, as this file has none beside it.
const require = createRequire(process.argv[2] + "/");
const sdk = require("@aws-sdk/client-secrets-manager");
const { STSClient, GetCallerIdentityCommand } = require("@aws-sdk/client-sts");

const given = (value) => {
  if (Array.isArray(value)) return value.map(given);
  if (value === null || typeof value !== "object") return value;
  if ("$bytes" in value) return Buffer.from(value.$bytes, "base64");
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, given(inner)]));
};

const taken = (value) => {
  if (value instanceof Date) return { $date: value.getTime() };
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return value.map(taken);
  if (value === null || typeof value !== "object") return value;
  const members = Object.entries(value).filter(([name, inner]) => name !== "$metadata" && inner !== undefined);
  return Object.fromEntries(members.map(([name, inner]) => [name, taken(inner)]));
};

const clients = new Map();
const clientOf = (region) => {
  if (!clients.has(region)) clients.set(region, new sdk.SecretsManagerClient({ region }));
  return clients.get(region);
};

const write = (answer) => console.log(JSON.stringify(answer));

for (const { region, operation, parameters } of JSON.parse(readFileSync(0, "utf8"))) {
  const Command = sdk[operation + "Command"];
  if (Command === undefined) {
    write({ unknown: operation });
    continue;
  }
  try {
    const answer = await clientOf(region).send(new Command(given(parameters)));
    if (!answer.$metadata.requestId) throw new Error("an answer without a request's id");
    write({ answer: taken(answer) });
  } catch (error) {
    if (!error.$metadata?.httpStatusCode) throw error;
    write({ code: error.name, message: error.message, status: error.$metadata.httpStatusCode });
  }
}
const identity = await new STSClient({}).send(new GetCallerIdentityCommand({}));
write({ answer: taken(identity) });
