/**
 * Whether labels match a Kubernetes label selector: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin
 * (b,c)`, `a` and `!a`, joined by commas. As in Kubernetes, `!=` and `notin` also match what has no
 * such label. Throws for anything else.
 */
export const matchesSelector = (
  labels: Readonly<Record<string, string>>,
  selector: string,
): boolean => requirements(selector).every((requirement) => matches(labels, requirement));

/** Splits at the commas that are not inside brackets. */
const requirements = (selector: string): readonly string[] =>
  selector
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');

const matches = (labels: Readonly<Record<string, string>>, requirement: string): boolean => {
  const set = /^([\w./-]+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(requirement);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const listed = list
      .split(',')
      .map((value) => value.trim())
      .includes(labels[key] ?? '\0');
    return operator === 'in' ? listed : !listed;
  }
  const equality = /^([\w./-]+)\s*(==|=|!=)\s*([\w.-]*)$/.exec(requirement);
  if (equality) {
    const [, key = '', operator, value] = equality;
    return operator === '!=' ? labels[key] !== value : labels[key] === value;
  }
  const existence = /^(!?)([\w./-]+)$/.exec(requirement);
  if (!existence) throw new Error(`unable to parse requirement: ${requirement}`);
  const [, not, key = ''] = existence;
  return key in labels !== (not === '!');
};
