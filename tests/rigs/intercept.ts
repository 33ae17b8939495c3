/**
 * Puts another function in the place of a method, such as `put` of a store. `by` gets the original
 * one, to call it. Returns what puts the original back.
 */
export const intercept = <
  Name extends string,
  Port extends Record<Name, (...words: never[]) => unknown>,
>(
  port: Port,
  name: Name,
  by: (original: Port[Name]) => Port[Name],
): (() => void) => {
  const method = port[name];
  const original = (...words: never[]): unknown => Reflect.apply(method, port, words) as unknown;
  port[name] = by(original as Port[Name]);
  return () => {
    port[name] = method;
  };
};
