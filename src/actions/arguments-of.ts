/** What the schedule says of its own runs, and no person does. */
const ownParameters = ['slot', 'attempt'];

/**
 * The parameters as one types them. Juju has filled in the defaults; those that say nothing are
 * left out.
 */
export const argumentsOf = (parameters: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.entries(parameters).flatMap(([name, value]) => {
    const text = String(value);
    if (value === false || text === '' || ownParameters.includes(name)) return [];
    return [`${name}=${/^[\w.:,/@+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`}`];
  });
