// Splits modules in two: what some modules use of them, directly or not, and what only others may use. Each half is the text of a module.
import * as fs from "node:fs"
import { createRequire } from "node:module"
import * as path from "node:path"
import { parseSync } from "rolldown/utils"

/** Calls `enter` with each node, and goes on into those for which it gives no `false`. */
const walk = (node, enter) => {
  if (Array.isArray(node)) { for (const each of node) walk(each, enter) }
  else if (typeof node?.type === "string" && enter(node) !== false) {
    for (const key in node) if (typeof node[key] === "object") walk(node[key], enter)
  }
}

/** The names that code may use which it does not declare itself, and more than these. What is found in a namespace is `namespace.name`. */
const namesIn = (node, isNamespace, isEvaluated = () => true) => {
  const names = new Set()
  const enter = (node) => {
    if (!isEvaluated(node)) return false
    if (node.type === "Identifier") names.add(node.name)
    if (node.type === "MemberExpression" && !node.computed) {
      const { object, property } = node
      if (object.type === "Identifier" && isNamespace(object.name)) names.add(`${object.name}.${property.name}`)
      else walk(object, enter)
      return false
    }
    const isNamed = node.type === "Property" || node.type === "MethodDefinition" || node.type === "PropertyDefinition"
    if (isNamed && !node.computed) {
      walk(node.decorators, enter)
      walk(node.value, enter)
      return false
    }
    return true
  }
  walk(node, enter)
  return names
}

/** What is assigned to. */
const assignedIn = (node) => {
  const names = new Set()
  walk(node, ({ argument, left, type }) => {
    const target = type === "AssignmentExpression" || type.startsWith("For")
      ? left
      : type === "UpdateExpression" && argument
    walk(target || undefined, (node) => {
      if (node.type === "Identifier") names.add(node.name)
      return node.type !== "MemberExpression"
    })
  })
  return names
}

const isFunction = ({ type }) => type === "ArrowFunctionExpression" || type.startsWith("Function")

/** Can an expression, or a class, be evaluated later, or never? Calls can that say so. */
const isPure = (node, text) => {
  const arePure = (nodes) => nodes.every((node) => node === null || isPure(node, text))
  if (isFunction(node)) return true
  switch (node.type) {
    case "Identifier":
    case "Literal":
      return true
    case "ParenthesizedExpression":
      return isPure(node.expression, text)
    case "MemberExpression":
      return isPure(node.object, text) && (!node.computed || isPure(node.property, text))
    case "TemplateLiteral":
      return arePure(node.expressions)
    case "UnaryExpression":
      return node.operator !== "delete" && isPure(node.argument, text)
    case "BinaryExpression":
    case "LogicalExpression":
      return arePure([node.left, node.right])
    case "ConditionalExpression":
      return arePure([node.test, node.consequent, node.alternate])
    case "ArrayExpression":
      return arePure(node.elements)
    case "ObjectExpression":
      return node.properties.every((property) =>
        property.type === "Property" && (!property.computed || isPure(property.key, text)) &&
        isPure(property.value, text)
      )
    case "CallExpression":
    case "NewExpression":
      return /\/\*\s*[#@]__PURE__\s*\*\/[\s(]*$/.test(text.slice(Math.max(0, node.start - 40), node.start)) &&
        arePure(node.arguments)
    case "ClassDeclaration":
    case "ClassExpression":
      return (node.superClass === null || isPure(node.superClass, text)) &&
        node.body.body.every((member) =>
          member.type !== "StaticBlock" && (!member.computed || isPure(member.key, text)) &&
          (!member.static || !member.value || isPure(member.value, text))
        )
    default:
      return false
  }
}

/** The file of a module that another one imports; none if it is not among those with a text. */
const resolve = (specifier, from, isThere) => {
  if (specifier.startsWith("node:")) return undefined
  const file = specifier.startsWith(".")
    ? path.resolve(path.dirname(from), specifier)
    : createRequire(from).resolve(specifier)
  return isThere(file) ? file : undefined
}

/** What a module consists of. */
const analyse = (file, isThere) => {
  const text = fs.readFileSync(file, "utf8")
  const found = (specifier) => resolve(specifier.value, file, isThere)
  /** By local name, what is imported: of a file, a name or all. */
  const imports = new Map()
  /** By name, what is exported: a local name, or a name of a file. */
  const exported = new Map()
  const stars = []
  const parts = []
  /** Imports, and exports of others. */
  const links = []
  /** Lists of exports. */
  const others = []
  const isNamespace = (name) => imports.get(name)?.name === "*"
  const nameOf = (node) => node.name ?? node.value
  const { program } = parseSync(file, text)
  for (const node of program.body) {
    if (node.type === "ImportDeclaration") {
      links.push({ ...node, file: found(node.source) })
      for (const { imported, local, type } of node.specifiers) {
        const name = type === "ImportNamespaceSpecifier" ? "*" : imported === undefined ? "default" : nameOf(imported)
        imports.set(local.name, { file: found(node.source), name })
      }
    }
  }
  for (const node of program.body) {
    if (node.type === "ImportDeclaration") continue
    if (node.type === "ExportAllDeclaration") {
      links.push({ ...node, file: found(node.source) })
      const other = found(node.source)
      if (node.exported) exported.set(nameOf(node.exported), { file: other, name: "*" })
      else stars.push(other)
      continue
    }
    if (node.type === "ExportNamedDeclaration" && node.source) {
      links.push({ ...node, file: found(node.source) })
      for (const each of node.specifiers) {
        exported.set(nameOf(each.exported), { file: found(node.source), name: nameOf(each.local) })
      }
      continue
    }
    if (node.type === "ExportNamedDeclaration" && node.declaration === null) {
      others.push(node)
      for (const each of node.specifiers) exported.set(nameOf(each.exported), { local: nameOf(each.local) })
      continue
    }
    if (node.type === "ExportDefaultDeclaration") throw new Error(`${file} has a default export`)
    const declaration = node.type === "ExportNamedDeclaration" ? node.declaration : node
    const { declarations: [first, second] = [], id = first?.id, kind = "const", type } = declaration
    const isDeclaration = type === "VariableDeclaration" || type === "FunctionDeclaration" ||
      type === "ClassDeclaration"
    const isSimple = isDeclaration && second === undefined && id.type === "Identifier"
    const names = isDeclaration
      ? [...namesIn(first ? declaration.declarations.map(({ id }) => id) : id, () => false)]
      : []
    if (declaration !== node) { for (const name of names) exported.set(name, { local: name }) }
    parts.push({
      start: node.start,
      end: node.end,
      declared: declaration.start,
      names,
      uses: namesIn(declaration, isNamespace),
      usesAtOnce: namesIn(declaration, isNamespace, (node) => !isFunction(node)),
      assigns: assignedIn(declaration),
      isVariable: kind !== "const",
      mayWait: isSimple && kind === "const" && isPure(first ? first.init : declaration, text)
    })
  }
  const partOf = new Map(parts.flatMap((part) => part.names.map((name) => [name, part])))
  // Only the module that has a variable can assign to it.
  for (const part of parts) if ([...part.assigns].some((name) => partOf.has(name))) part.mayWait = false
  return { text, imports, exported, stars, parts, links, others, partOf }
}

/** The ids of the two halves of a module. */
export const hotOf = (file) => `\0hot:${file}`
export const coldOf = (file) => `\0cold:${file}`

/** The text of a module with only some of its parts, none of what it exports, and absolute paths of what it imports. */
const textWith = ({ links, parts, others, text }, isKept) => {
  const edits = [
    ...links.map(({ end, file, source, start, type }) =>
      type !== "ImportDeclaration" ? [start, end, ""] : [source.start, source.end, JSON.stringify(file ?? source.value)]
    ),
    ...others.map(({ end, start }) => [start, end, ""]),
    ...parts.map((part) => isKept(part) ? [part.start, part.declared, ""] : [part.start, part.end, ""])
  ]
  return edits.sort(([a], [b]) => b - a)
    .reduce((text, [start, end, by]) => text.slice(0, start) + by + text.slice(end), text)
}

const exporting = (names, from) => names.length === 0 ? "" : `\nexport { ${names.join(", ")} }${from ?? ""};\n`

/**
 * The halves of some of the files, and a text for each of these in its own place, which exports both. `isRoot`: all of a file is used.
 * `isRun`: it is evaluated before anything is known. `isCommon`: others are known to use an export.
 */
export const split = (files, { isCommon, isRoot, isRun, mayBeSplit }) => {
  const there = new Set(files)
  const modules = new Map(files.map((file) => [file, analyse(file, (other) => there.has(other))]))
  /** Calls back with each part, and its file, that an export of a file is, or a name in it. */
  const findExport = (file, name, found, seen = new Set()) => {
    const module = modules.get(file)
    if (module === undefined || seen.has(file)) return
    seen.add(file)
    if (name === "*") {
      for (const each of module.exported.keys()) findExport(file, each, found)
      for (const star of module.stars) findExport(star, "*", found)
      return
    }
    const origin = module.exported.get(name)
    if (origin?.local !== undefined) findName(file, origin.local, found)
    else if (origin !== undefined) findExport(origin.file, origin.name, found)
    else for (const star of module.stars) findExport(star, name, found, seen)
  }
  const findName = (file, name, found) => {
    const { imports, partOf } = modules.get(file)
    const [first, second] = name.split(".")
    const imported = imports.get(first)
    if (imported !== undefined) findExport(imported.file, second ?? imported.name, found)
    else if (partOf.has(first)) found(file, partOf.get(first))
  }

  const used = new Set()
  const todo = []
  const use = (file, part) => {
    if (used.has(part)) return
    used.add(part)
    todo.push([file, part.uses])
  }
  /** A script knows the value that something of another one has when it is first asked for. */
  const usesVariable = (file, { uses }) => {
    let is = false
    for (const name of uses) findName(file, name, (_, part) => is ||= part.isVariable)
    return is
  }
  for (const [file, { exported, parts }] of modules) {
    for (const name of exported.keys()) if (isCommon(file, name)) findExport(file, name, use)
    for (const part of parts) {
      if (isRoot(file)) use(file, part)
      else if (isRun(file) && !mayBeSplit(file)) todo.push([file, part.usesAtOnce])
      else if (isRun(file) && (!part.mayWait || usesVariable(file, part))) use(file, part)
    }
  }
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    for (const name of next[1]) findName(next[0], name, use)
  }

  const texts = new Map()
  /** By file, what its cold half exports. */
  const cold = new Map()
  for (const file of files.filter(mayBeSplit)) {
    const module = modules.get(file)
    const { exported, links, partOf, parts, text } = module
    const isUnused = (part) => part !== undefined && !used.has(part)
    const coldParts = parts.filter(isUnused)
    if (coldParts.length === 0) continue
    const own = Array.from(exported).filter(([, { local }]) => local !== undefined)
    const coldOnes = own.filter(([, { local }]) => isUnused(partOf.get(local)))
    const hotOnes = own.filter(([, { local }]) => !isUnused(partOf.get(local)))
    const lent = new Set(coldParts.flatMap(({ uses }) => [...uses]).filter((name) => used.has(partOf.get(name))))
    const locals = (ones) => ones.map(([, { local }]) => local)
    const hotNames = [...new Set([...locals(hotOnes), ...lent])]
    const coldNames = [...new Set(locals(coldOnes))]
    texts.set(hotOf(file), textWith(module, (part) => !isUnused(part)) + exporting(hotNames))
    texts.set(
      coldOf(file),
      (lent.size === 0 ? "" : `import { ${[...lent].join(", ")} } from ${JSON.stringify(hotOf(file))};\n`) +
        textWith(module, isUnused) + exporting(coldNames)
    )
    const named = (ones) => ones.map(([name, { local }]) => `${local} as ${name}`)
    texts.set(
      file,
      exporting(named(hotOnes), ` from ${JSON.stringify(hotOf(file))}`) +
        exporting(named(coldOnes), ` from ${JSON.stringify(coldOf(file))}`) +
        links.filter(({ type }) => type !== "ImportDeclaration").map(({ end, file, source, start }) =>
          `${text.slice(start, source.start)}${JSON.stringify(file ?? source.value)}${text.slice(source.end, end)}\n`
        ).join("")
    )
    cold.set(file, coldNames)
  }
  /** Is what a file exports under a name in a cold half? */
  const isCold = (file, name) => {
    let is = false
    findExport(file, name, (other, part) => is ||= cold.has(other) && !used.has(part))
    return is
  }
  return { texts, cold, isCold }
}
