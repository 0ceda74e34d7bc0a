import { describe, expect, it } from "vitest";
import { DAY_MINUTES } from "../../../../examples/flights/data/calendar.ts";
import { stateOf, utcOffsetMinutes } from "../../../../examples/flights/data/utc-offset.ts";

const APRIL_FIRST = 90 * DAY_MINUTES;
const WINTER = 0;
const SUMMER = APRIL_FIRST + DAY_MINUTES;

describe("utcOffsetMinutes()", () => {
  it.each([
    ["NY", -5, -4],
    ["TX", -6, -5],
    ["CO", -7, -6],
    ["CA", -8, -7],
    ["AK", -9, -8],
    ["AZ", -7, -7],
    ["HI", -10, -10],
    ["IN", -5, -5],
    ["PR", -4, -4],
    ["VI", -4, -4],
  ])("puts %s %d hours from UTC in winter and %d in summer", (state, winter, summer) => {
    expect(utcOffsetMinutes(state, WINTER)).toBe(winter * 60);
    expect(utcOffsetMinutes(state, SUMMER)).toBe(summer * 60);
  });

  it("begins summer time on 1 April 2001 at 02:00 local", () => {
    expect(utcOffsetMinutes("NY", APRIL_FIRST + 119)).toBe(-300);
    expect(utcOffsetMinutes("NY", APRIL_FIRST + 120)).toBe(-240);
  });

  it("refuses a state that it does not know, and knows that MQT lies in Michigan", () => {
    expect(() => utcOffsetMinutes("NA", WINTER)).toThrow(/time zone/);
    expect(utcOffsetMinutes(stateOf("MQT", "NA"), WINTER)).toBe(-300);
  });
});
