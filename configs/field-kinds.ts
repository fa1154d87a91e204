import { z } from "zod";
import { field } from "./field-schema.ts";

// Kinds of fields that several tables of the manifest have.

const ID_FORM = "1 to 32 lower-case letters, digits and hyphens, a letter first";
export const id = (meaning: string) =>
  field(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/), meaning, { form: ID_FORM });
export const name = (meaning: string) =>
  field(z.string().max(80).default(""), meaning, { defaultText: "the id" });
export const text = (lengthMax: number) => z.string().min(1).max(lengthMax);
export const host = (meaning: string) =>
  field(z.string().regex(/^[A-Za-z0-9._:-]{1,253}$/), meaning, {
    form: "a host name or an IP address in quotes",
  });
export const port = (meaning: string) => field(z.int().min(1).max(65535), meaning);
export const percent = (min: number, max: number, preset: number, meaning: string) =>
  field(z.number().min(min).max(max).default(preset), meaning, { unit: "%" });
export const seconds = (max: number, preset: number, meaning: string) =>
  field(z.number().min(0).max(max).default(preset), meaning, { unit: "s" });
