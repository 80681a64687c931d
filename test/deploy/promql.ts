/** What an expression asks for: metrics with the labels their selectors name, and the labels it groups by. */
export type Asked = { metrics: { name: string; labels: string[] }[]; grouping: string[] };

const GROUPING = /\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g;
const SELECTOR = /([a-zA-Z_:][\w:]*)(\s*\(|\s*\{([^}]*)\})?/g;
const OPERATORS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'group_left', 'group_right']);

/** Reads as much of a PromQL expression as is needed to see whether what it names exists. */
export function askedBy(expression: string): Asked {
  const bare = expression.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(/\[[^\]]*\]/g, '');
  const grouping = [...bare.matchAll(GROUPING)].flatMap(([, list = '']) =>
    list
      .split(',')
      .map((label) => label.trim())
      .filter((label) => label !== ''),
  );
  const rest = bare.replace(GROUPING, ' ');
  const metrics = [...rest.matchAll(SELECTOR)]
    .filter(([, name = '', tail = '']) => !tail.trim().startsWith('(') && !OPERATORS.has(name))
    .map(([, name = '', , matchers = '']) => ({
      name,
      labels: [...matchers.matchAll(/([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label),
    }));
  return { metrics, grouping };
}
