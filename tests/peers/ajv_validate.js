// Prints whether each JSON file after the schema fits it, by ajv.
"use strict";
const fs = require("fs");
const Ajv = require("ajv/dist/2020");

const [schema, ...files] = process.argv.slice(2).map((path) => JSON.parse(fs.readFileSync(path, "utf8")));
const validate = new Ajv({ strict: true, allErrors: true }).compile(schema);
console.log(JSON.stringify(files.map((file) => (validate(file) ? [] : validate.errors))));
