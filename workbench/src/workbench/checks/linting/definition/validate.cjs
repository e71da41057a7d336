// Checks a rendered workflow definition (JSON, its path is the argument) by validators that know
// nothing of each other, and parses each JSONata expression as Step Functions will. One line for
// each finding; 1 when there is any.
"use strict";
const fs = require("node:fs");
const validator = require("asl-validator");
const service = require("amazon-states-language-service");
const jsonata = require("jsonata");

const text = fs.readFileSync(process.argv[2], "utf8");
const findings = [];

for (const error of validator(JSON.parse(text)).errors) {
  const where = error.path || (error.schemaError && error.schemaError.instancePath) || "";
  findings.push(`asl-validator: ${error["Error code"]}: ${error.Message} ${where}`);
}

function expressions(value, path) {
  if (typeof value === "string") {
    const inside = /^\{%([\s\S]*)%\}$/.exec(value);
    if (!inside) return;
    try {
      jsonata(inside[1]);
    } catch (error) {
      findings.push(`jsonata: ${path.join(".")}: ${error.message}`);
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
    const line = text.split("\n")[each.range.start.line].trim();
    findings.push(`amazon-states-language-service: ${each.message} at ${line}`);
  }
}

languageService().then(() => {
  for (const finding of findings) console.log(finding);
  process.exit(findings.length ? 1 : 0);
});
