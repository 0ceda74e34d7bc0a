/**
 * The page as a person uses it, in Chromium, on a small system in which everything is real. With
 * DRIFTMEND_SCREENSHOTS set, the pictures of docs/images are made anew.
 */
import { testActing } from "./acting.ts";
import { testLooking } from "./looking.ts";
import { startBefore } from "./support/stage.ts";
import { testTrouble } from "./trouble.ts";

startBefore();
testLooking();
testActing();
testTrouble();
