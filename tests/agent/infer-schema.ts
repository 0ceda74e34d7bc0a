/** ModelInfer of the Open Inference Protocol as protobufjs has it: the reference for our reader. */
import protobuf from "protobufjs";

const MESSAGES = `
message ModelInferRequest {
  message InferInputTensor {
    string name = 1; string datatype = 2; repeated int64 shape = 3;
    map<string, InferParameter> parameters = 4; InferTensorContents contents = 5;
  }
  message InferRequestedOutputTensor { string name = 1; map<string, InferParameter> parameters = 2; }
  string model_name = 1; string model_version = 2; string id = 3;
  map<string, InferParameter> parameters = 4; repeated InferInputTensor inputs = 5;
  repeated InferRequestedOutputTensor outputs = 6; repeated bytes raw_input_contents = 7;
}
message ModelInferResponse {
  message InferOutputTensor {
    string name = 1; string datatype = 2; repeated int64 shape = 3;
    map<string, InferParameter> parameters = 4; InferTensorContents contents = 5;
  }
  string model_name = 1; string model_version = 2; string id = 3;
  map<string, InferParameter> parameters = 4; repeated InferOutputTensor outputs = 5;
  repeated bytes raw_output_contents = 6;
}
message InferParameter {
  oneof parameter_choice { bool bool_param = 1; int64 int64_param = 2; string string_param = 3; }
}
message InferTensorContents {
  repeated bool bool_contents = 1; repeated int32 int_contents = 2; repeated int64 int64_contents = 3;
  repeated uint32 uint_contents = 4; repeated uint64 uint64_contents = 5;
  repeated float fp32_contents = 6; repeated double fp64_contents = 7; repeated bytes bytes_contents = 8;
}`;

const { root } = protobuf.parse(`syntax = "proto3";${MESSAGES}`, { keepCase: true });
export const inferRequest = root.lookupType("ModelInferRequest");
export const inferResponse = root.lookupType("ModelInferResponse");

export const encode = (type: protobuf.Type, value: object): Buffer =>
  Buffer.from(type.encode(type.fromObject(value)).finish());

/** The same, with whatever bytes for texts and where capture does not look. */
const LENIENT = MESSAGES.replaceAll(
  "map<string, InferParameter> parameters",
  "repeated bytes parameters",
).replace("repeated InferRequestedOutputTensor outputs", "repeated bytes outputs");
const { root: lenient } = protobuf.parse(
  `edition = "2023"; option features.field_presence = IMPLICIT; option features.utf8_validation = NONE;${LENIENT}`,
  { keepCase: true },
);
export const lenientInfer = {
  request: lenient.lookupType("ModelInferRequest"),
  response: lenient.lookupType("ModelInferResponse"),
} as const;
