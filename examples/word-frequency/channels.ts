/** What connects the processes. */
import { Schema } from "effect"
import * as Mp from "effect-multiprocessing"
import { Unreadable } from "./files.ts"

/** From the walker to the counters: which files to count. */
export class Names extends Mp.Queue.Service<Names>()("word-frequency/Names", { item: Schema.String, maxsize: 64 }) {}

export const Report = Schema.TaggedUnion({
  /** The walker is through: this many files will have been counted in the end. */
  Walked: { files: Schema.Int, unreadable: Schema.Array(Unreadable) },
  /** A part of the counts of one counter. */
  Counted: {
    files: Schema.Int,
    bytes: Schema.Int,
    words: Schema.Array(Schema.Struct({ word: Schema.String, count: Schema.Int })),
    unreadable: Schema.Array(Unreadable)
  }
})

export type Report = typeof Report.Type

/** From everybody to the parent. */
export class Reports extends Mp.Pipe.Service<Reports>()("word-frequency/Reports", { message: Report, duplex: false }) {}
