/** Parameters that only the schedule gives. */
const ownParameters = ['slot', 'attempt'];

/**
 * The parameters as an operator types them. Juju has filled in the defaults, which are left out.
 */
export const argumentsOf = (parameters: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.entries(parameters).flatMap(([name, value]) => {
    const text = String(value);
    if (value === false || text === '' || ownParameters.includes(name)) return [];
    return [`${name}=${/^[\w.:,/@+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`}`];
  });
