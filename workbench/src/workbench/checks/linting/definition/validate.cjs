// Checks a rendered workflow definition (JSON, its path is the argument) by validators that know
// nothing of each other, and parses each JSONata expression as Step Functions will. One line for
// each finding, or with --json a list of them with their places; 1 when there is any.
"use strict";
const fs = require("node:fs");
const validator = require("asl-validator");
const service = require("amazon-states-language-service");
const jsonata = require("jsonata");

const asJson = process.argv[2] === "--json";
const text = fs.readFileSync(process.argv[asJson ? 3 : 2], "utf8");
const findings = [];

function add(by, what, place) {
  findings.push({ by, what, ...place });
}

for (const error of validator(JSON.parse(text)).errors) {
  const where = error.path || (error.schemaError && error.schemaError.instancePath) || "";
  const path = where.split("/").filter(Boolean);
  add("asl-validator", `${error["Error code"]}: ${error.Message} ${where}`, { path });
}

function expressions(value, path) {
  if (typeof value === "string") {
    const inside = /^\{%([\s\S]*)%\}$/.exec(value);
    if (!inside) return;
    try {
      jsonata(inside[1]);
    } catch (error) {
      add("jsonata", `${path.join(".")}: ${error.message}`, { path });
    }
  } else if (value && typeof value === "object") {
    for (const [name, each] of Object.entries(value)) expressions(each, [...path, name]);
  }
}
expressions(JSON.parse(text), []);

async function languageService() {
  const document = service.TextDocument.create("file:///definition.asl.json", "asl", 1, text);
  const language = service.getLanguageService({});
  const found = await language.doValidation(document, language.parseJSONDocument(document));
  for (const each of found) {
    const line = each.range.start.line;
    const said = `${each.message} at ${text.split("\n")[line].trim()}`;
    add("amazon-states-language-service", said, { line });
  }
}

languageService().then(() => {
  if (asJson) console.log(JSON.stringify(findings));
  else for (const one of findings) console.log(`${one.by}: ${one.what}`);
  process.exit(findings.length ? 1 : 0);
});
