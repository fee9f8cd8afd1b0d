// Runs one example: node run.mjs NAME [ARGUMENTS]

import { readdirSync } from 'node:fs';

const dist = new URL('./dist/', import.meta.url);
const names = ['', 'kubernetes/'].flatMap((folder) => {
  const files = readdirSync(new URL(folder, dist)).filter((file) => file.endsWith('.js'));
  return files.map((file) => folder + file.slice(0, -3));
});
const [, , name] = process.argv;
if (!names.includes(name)) {
  console.error(`Which one? ${names.join(', ')}`);
  process.exit(2);
}
process.argv.splice(1, 2, new URL(`${name}.js`, dist).pathname);
await import(process.argv[1]);
