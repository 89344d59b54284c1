/**
 * `node bench/report.ts RUN.jsonl`: writes what a run of `npm run bench -- --json` has measured into docs/performance.md, between its
 * markers, and two charts next to it.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { cpus, totalmem } from "node:os"
import { fileURLToPath } from "node:url"
import type { Line } from "./line.ts"

const [file, target = "../docs/"] = process.argv.slice(2)
if (file === undefined) {
  console.error("node bench/report.ts RUN.jsonl")
  process.exit(1)
}
const lines = readFileSync(file, "utf8").split("\n").filter((text) => text.startsWith("{"))
  .map((text) => JSON.parse(text) as Line)
const docs = new URL(target, import.meta.url)
const page = fileURLToPath(new URL("performance.md", docs))
const charts = fileURLToPath(new URL("performance/", docs))

const peers: Readonly<Record<Line["peer"], { readonly title: string; readonly color: string }>> = {
  "ours": { title: "ours, rings", color: "#000000" },
  "ours-socket": { title: "ours, sockets", color: "#7f7f7f" },
  "ours-plain": { title: "ours, plain", color: "#c7c7c7" },
  "cpython": { title: "CPython", color: "#1f77b4" },
  "cpython-executor": { title: "CPython, executor", color: "#aec7e8" },
  "node-fork-json": { title: "Node, fork, json", color: "#2ca02c" },
  "node-fork-advanced": { title: "Node, fork, advanced", color: "#98df8a" },
  "node-socket": { title: "Node, bare socket", color: "#ff7f0e" },
  "effect-rpc": { title: "Effect RPC", color: "#9467bd" },
  "piscina": { title: "piscina", color: "#17becf" },
  "tinypool-thread": { title: "tinypool, threads", color: "#e377c2" },
  "tinypool-process": { title: "tinypool, processes", color: "#f7b6d2" },
  "workerpool-thread": { title: "workerpool, threads", color: "#8c564b" },
  "workerpool-process": { title: "workerpool, processes", color: "#c49c94" },
  "bound": { title: "promised", color: "#d62728" }
}

const byCase = Map.groupBy(lines, (line) => line.case)

const text = (n: number) => n.toLocaleString("en", { maximumSignificantDigits: 3 })
const range = ([least, greatest]: readonly [number, number]) => `${text(least)} to ${text(greatest)}`
const each = (cpu: number | null) => cpu === null ? "" : `${text(cpu)} us`

const row = (...cells: ReadonlyArray<string>) => `| ${cells.join(" | ")} |`

const table = (name: string, of: ReadonlyArray<Line>): string => {
  const { better, ours, oursCpu, oursSpread, oursWaits, unit } = of[0]!
  return [
    `### ${name}`,
    "",
    `${unit}, ${better} is better.`,
    "",
    row("Who", "Median", "Spread", "CPU each", "Waiting", "Ratio"),
    row("---", "---:", "---:", "---:", "---", "---:"),
    row(peers.ours.title, text(ours), range(oursSpread), each(oursCpu), oursWaits, ""),
    ...of.map((line) =>
      row(
        peers[line.peer].title,
        text(line.theirs),
        line.peer === "bound" ? "" : range(line.theirsSpread),
        each(line.theirsCpu),
        line.theirsWaits ?? "",
        line.ratio < 1 ? `**${text(line.ratio)}**` : text(line.ratio)
      )
    )
  ].join("\n")
}

/** Dots on a logarithmic axis, a line for each case. */
const chart = (
  title: string,
  value: (line: Line) => ReadonlyArray<readonly [Line["peer"], number]>,
  mark: number | undefined
): string => {
  const rows = [...byCase].map(([name, of]) => {
    const dots = new Map(of.flatMap(value).filter(([, n]) => n > 0))
    return { name, dots }
  }).filter(({ dots }) => dots.size > 0)
  const all = rows.flatMap(({ dots }) => [...dots.values()])
  const [low, high] = [Math.floor(Math.log10(Math.min(...all))), Math.ceil(Math.log10(Math.max(...all)))]
  const shown = (Object.keys(peers) as Array<Line["peer"]>).filter((peer) => rows.some(({ dots }) => dots.has(peer)))
  const [left, right, top, line] = [190, 20, 44 + Math.ceil(shown.length / 4) * 18, 22]
  const [width, height] = [860, top + rows.length * line + 30]
  const x = (n: number) => left + (Math.log10(n) - low) / Math.max(1, high - low) * (width - left - right)
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${left}" y="20" font-size="14" font-weight="bold">${title}</text>`
  ]
  shown.forEach((peer, i) => {
    const [at, y] = [left + i % 4 * 165, 40 + Math.floor(i / 4) * 18]
    parts.push(`<circle cx="${at}" cy="${y - 4}" r="5" fill="${peers[peer].color}"/>`)
    parts.push(`<text x="${at + 10}" y="${y}">${peers[peer].title}</text>`)
  })
  for (let power = low; power <= high; power++) {
    const at = x(10 ** power)
    parts.push(`<line x1="${at}" x2="${at}" y1="${top - 8}" y2="${height - 22}" stroke="#dddddd"/>`)
    parts.push(
      `<text x="${at}" y="${height - 8}" text-anchor="middle">${
        10 ** power >= 1 ? 10 ** power : (10 ** power).toFixed(-power)
      }</text>`
    )
  }
  if (mark !== undefined) {
    parts.push(`<line x1="${x(mark)}" x2="${x(mark)}" y1="${top - 8}" y2="${height - 22}" stroke="#000000"/>`)
  }
  rows.forEach(({ dots, name }, i) => {
    const y = top + i * line + 8
    parts.push(`<text x="${left - 10}" y="${y + 4}" text-anchor="end">${name}</text>`)
    parts.push(`<line x1="${left}" x2="${width - right}" y1="${y}" y2="${y}" stroke="#eeeeee"/>`)
    for (const [peer, n] of dots) {
      parts.push(
        `<circle cx="${x(n).toFixed(1)}" cy="${y}" r="5" fill="${peers[peer].color}"><title>${text(n)}</title></circle>`
      )
    }
  })
  return `${parts.join("\n")}\n</svg>\n`
}

mkdirSync(charts, { recursive: true })
writeFileSync(
  `${charts}ratio.svg`,
  chart("How many times better than each peer (right of 1: ours is better)", (line) => [[line.peer, line.ratio]], 1)
)
writeFileSync(
  `${charts}cpu.svg`,
  chart("CPU time of all processes for each item, task, message or start, in microseconds", (line) => [
    ["ours", line.oursCpu ?? 0],
    [line.peer, line.theirsCpu ?? 0]
  ], undefined)
)

const slower = [...byCase].flatMap(([name, of]) => {
  const faster = of.filter(({ peer, ratio }) => !peer.startsWith("ours") && ratio < 1).sort((a, b) => a.ratio - b.ratio)
  if (faster.length === 0) return []
  return `- \`${name}\`: ${
    faster.map(({ peer, ratio }) => `${peers[peer].title} is ${text(1 / ratio)} times better`).join(", ")
  }.`
})

const generated = [
  `Measured with Node ${process.versions.node} on ${cpus().length} processors (${cpus()[0]?.model ?? "unknown"}), ${
    Math.round(totalmem() / 2 ** 30)
  } GiB of memory; rounds: ${lines[0]?.rounds ?? 0}.`,
  "",
  "![Ratios](performance/ratio.svg)",
  "",
  "![Processor time](performance/cpu.svg)",
  "",
  "## Where are we slower?",
  "",
  ...(slower.length === 0 ? ["Nowhere, in this run."] : slower),
  "",
  "## All figures",
  "",
  [...byCase].map(([name, of]) => table(name, of)).join("\n\n")
].join("\n")

const [begin, end] = ["<!-- bench/report.ts writes what follows -->", "<!-- bench/report.ts wrote this -->"]
const old = readFileSync(page, "utf8")
const [from, to] = [old.indexOf(begin), old.indexOf(end)]
if (from < 0 || to < from) throw new Error(`${page} lacks its markers`)
writeFileSync(page, `${old.slice(0, from + begin.length)}\n\n${generated}\n\n${old.slice(to)}`)
