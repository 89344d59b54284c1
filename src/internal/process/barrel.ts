/**
 * Modules that export other modules by name, as the root of "effect" does, without running those that nobody uses. What a program uses is
 * read off the text of its modules. What is used without having been seen there, as by a name that is computed, is run when it is touched.
 */

/** Exports of a module. */
export type Exports = Readonly<Record<string, unknown>>

/** What stands behind a name: a value, or a module that is run when it is first asked for. */
export type Behind = { readonly value: unknown } | { readonly lazy: () => Exports }

export interface Barrel {
  /** Programs use these names. */
  readonly want: (names: Iterable<string> | "all") => void
  /** Gives the exports to the variables of the module that stands for the barrel, now and when there is more. */
  readonly use: (assign: (all: Exports) => void) => void
}

/** A module that is run when something of it is touched. */
export const untilTouched = (load: () => Exports): Exports =>
  new Proxy<Exports>(Object.create(null), {
    get: (_, name) => Reflect.get(load(), name),
    has: (_, name) => Reflect.has(load(), name),
    ownKeys: () => Reflect.ownKeys(load()),
    getOwnPropertyDescriptor: (_, name) => Reflect.getOwnPropertyDescriptor(load(), name)
  })

/**
 * Exports as values, for a module of Node's, which can't have getters. A getter has a script run that few need: in its place is a function that
 * calls the one which is there.
 */
export const asValues = (all: Exports): Exports => {
  const values: Record<string, unknown> = { __proto__: null }
  for (const [name, { get, value }] of Object.entries(Object.getOwnPropertyDescriptors(all))) {
    values[name] = get === undefined ? value : function(this: unknown, ...args: ReadonlyArray<unknown>) {
      return Reflect.apply(all[name] as (...args: ReadonlyArray<unknown>) => unknown, this, args)
    }
  }
  return values
}

export const makeBarrel = (names: ReadonlyArray<string>, behind: (name: string) => Behind): Barrel => {
  const waiting = new Set(names)
  const all: Record<string, unknown> = { __proto__: null }
  const users: Array<(all: Exports) => void> = []
  let isMade = false
  const load = (name: string): boolean => {
    if (!waiting.delete(name)) return false
    const origin = behind(name)
    all[name] = "lazy" in origin ? origin.lazy() : origin.value
    return true
  }
  return {
    want: (wanted) => {
      let changed = false
      for (const name of wanted === "all" ? names : wanted) changed = load(name) || changed
      if (changed) { for (const assign of users) assign(all) }
    },
    use: (assign) => {
      if (!isMade) {
        isMade = true
        for (const name of waiting) {
          const origin = behind(name)
          if ("lazy" in origin) all[name] = untilTouched(origin.lazy)
          else load(name)
        }
      }
      users.push(assign)
      assign(all)
    }
  }
}

/** A character of a name, or one that might be. */
const inName = "[\\w$\\u0080-\\uffff]"

/** The names in braces: `A, type B, C as D`. */
const inBraces = (text: string): Array<string> =>
  text.split(",").flatMap((part) => {
    const words = part.trim().split(/\s+/)
    const name = words[0] === "type" && words.length > 1 && words[1] !== "as" ? words[1]! : words[0]!
    return name === "" ? [] : [name]
  })

const escaped = (text: string) => text.replaceAll("$", "\\$")

/** The names that are taken from a namespace, if it is used in no other way. */
const ofNamespace = (namespace: string, text: string): Array<string> | "all" => {
  const use = new RegExp(
    `(?<!${inName}|\\.)${escaped(namespace)}(?!${inName})(?:\\s*\\.\\s*(?<member>${inName}+))?`,
    "g"
  )
  const names: Array<string> = []
  let others = 0
  for (const { groups } of text.matchAll(use)) {
    if (groups?.["member"] === undefined) others++
    else names.push(groups["member"])
  }
  // The one is the import itself.
  return others > 1 ? "all" : names
}

/** How often a package is named: between quotes, or between backticks behind a parenthesis, as comments have backticks too. */
const countMentions = (specifier: string, text: string): number => {
  let count = 0
  for (const quote of ["\"", "'", "`"]) {
    const quoted = `${quote}${specifier}${quote}`
    for (let at = text.indexOf(quoted); at >= 0; at = text.indexOf(quoted, at + quoted.length)) {
      if (quote !== "`" || text.slice(0, at).trimEnd().endsWith("(")) count++
    }
  }
  return count
}

/** Imports and exports of names, and imports of all as a namespace, from whatever package. */
const statement = new RegExp(
  `\\b(?:(?:import|export)\\s*(?:type\\s*)?\\{(?<names>[^{}]*)\\}|` +
    `import\\s*(?:type\\s*)?\\*\\s*as\\s+(?<namespace>${inName}+))\\s*from\\s*["'](?<from>[^"']*)["']`,
  "g"
)
const statements = (text: string) =>
  Array.from(
    text.matchAll(statement),
    ({ groups }) => groups as { readonly names?: string; readonly namespace?: string; readonly from: string }
  )

/** What the text of a module imports from a package, by the name of that. Sees too much rather than too little. */
export const importsOf = (text: string): (specifier: string) => Iterable<string> | "all" => {
  let all: ReturnType<typeof statements> | undefined
  return (specifier) => {
    let mentions = countMentions(specifier, text)
    // A regular expression takes a tenth of a millisecond to compile.
    if (mentions === 0) return []
    const imported: Array<string> = []
    for (const { from, names, namespace } of all ??= statements(text)) {
      if (from !== specifier) continue
      mentions--
      const used = namespace === undefined ? inBraces(names!) : ofNamespace(namespace, text)
      if (used === "all") return used
      imported.push(...used)
    }
    return mentions === 0 ? imported : "all"
  }
}
