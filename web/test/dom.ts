// The few things of a browser that modules touch when they are loaded.
const shim = {
  location: { hash: '', protocol: 'http:', host: 'hub.test', origin: 'http://hub.test' },
  document: { body: { dataset: {} }, addEventListener: () => undefined },
};
for (const [name, value] of Object.entries(shim)) {
  if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, writable: true });
}
