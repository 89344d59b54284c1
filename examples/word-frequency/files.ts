/** Which files there are below a path. */
import { Effect, FileSystem, Option, Path, type PlatformError, Schema, Stream } from "effect"

/** Where to look, and for what. No extensions: for every file. */
export const Request = Schema.Struct({ root: Schema.String, extensions: Schema.Array(Schema.String) })
export type Request = typeof Request.Type

/** A file or a directory that is left out of the count. */
export const Unreadable = Schema.Struct({ path: Schema.String, reason: Schema.String })
export type Unreadable = typeof Unreadable.Type

/** What the operating system says, without the call and the path: `EACCES: permission denied`. */
export const reasonOf = ({ message, reason }: PlatformError.PlatformError): string =>
  reason.cause instanceof Error ? reason.cause.message.split(", ")[0]! : message

/**
 * The files, each once: links are followed, but nothing is visited again, so that a link to a directory above ends nothing but
 * itself. What can't be read is given to `onUnreadable`, and the walk goes on.
 */
export const walk = (
  { extensions, root }: Request,
  onUnreadable: (unreadable: Unreadable) => void
): Stream.Stream<string, never, FileSystem.FileSystem | Path.Path> =>
  Stream.unwrap(Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const seen = new Set<string>()
    const isWanted = (file: string) => extensions.length === 0 || extensions.some((end) => file.endsWith(end))

    const orReport = (file: string) => <A, R>(effect: Effect.Effect<A, PlatformError.PlatformError, R>) =>
      effect.pipe(
        Effect.tapError((error) => Effect.sync(() => onUnreadable({ path: file, reason: reasonOf(error) }))),
        Effect.option
      )

    const follow = (link: string) =>
      Effect.gen(function*() {
        const target = yield* fs.realPath(link)
        return { path: target, type: (yield* fs.stat(target)).type }
      })

    /** The files of one directory, and its directories. */
    const list = Effect.fnUntraced(function*(directory: string) {
      const files: Array<string> = []
      const directories: Array<string> = []
      for (const { name, type } of yield* fs.readDirectoryEntries(directory)) {
        const entry = path.join(directory, name)
        const found = type === "SymbolicLink" || type === "Unknown"
          ? yield* orReport(entry)(follow(entry))
          : Option.some({ path: entry, type })
        if (Option.isNone(found) || seen.has(found.value.path)) continue
        if (found.value.type === "Directory") directories.push(found.value.path)
        else if (found.value.type === "File" && isWanted(found.value.path)) files.push(found.value.path)
        else continue
        seen.add(found.value.path)
      }
      return { files, directories }
    })

    const start = yield* orReport(root)(follow(root))
    if (Option.isNone(start)) return Stream.empty
    if (start.value.type !== "Directory") return Stream.make(start.value.path)
    seen.add(start.value.path)
    return Stream.paginate(
      [start.value.path],
      Effect.fnUntraced(function*(pending: Array<string>) {
        const directory = pending.pop()!
        const found = yield* orReport(directory)(list(directory))
        if (Option.isSome(found)) pending.push(...found.value.directories)
        return [
          Option.match(found, { onNone: () => [], onSome: ({ files }) => files }),
          pending.length === 0 ? Option.none() : Option.some(pending)
        ]
      })
    )
  }))
