import { SourcePlaces, type SourcePositions } from "../../../src/shared/source-positions.ts";

/** Of the script that runs, where it was put together from modules. */
let places: SourcePlaces | undefined;

export function setPositions(positions: SourcePositions | undefined): void {
  places = positions === undefined ? undefined : new SourcePlaces(positions);
}

/** A frame of a stack with the place in the module that its author wrote. */
export function translateFrame(frame: string): string {
  return places === undefined ? frame : places.translate(frame);
}
