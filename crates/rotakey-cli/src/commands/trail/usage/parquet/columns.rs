//! From rows to columns, as in Melnik et al., "Dremel: Interactive Analysis of Web-Scale Datasets" (VLDB 2010): beside
//! the values a column has for each place how many of its optional and repeated ancestors are there (the definition
//! level), and which of the repeated ones goes on (the repetition level).

use std::io::Write;

use parquet::basic::{ConvertedType, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use rotakey_trail::event_time::EventTime;
use serde_json::Value;

/// Rows that wait to be written, by columns.
pub(super) struct Columns {
    fields: Vec<(String, Node)>,
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
}

/// What is at a place of the schema.
enum Node {
    Leaf {
        column: usize,
        is_optional: bool,
    },
    Group {
        fields: Vec<(String, Node)>,
        is_optional: bool,
    },
    /// The list itself is never null.
    List(Box<Node>),
}

/// The values of a leaf of the schema.
#[derive(Debug)]
struct Column {
    values: Values,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
}

#[derive(Debug)]
enum Values {
    Texts(Vec<ByteArray>),
    Numbers(Vec<i64>),
    /// Milliseconds since 1970.
    Times(Vec<i64>),
    Reals(Vec<f64>),
    Truths(Vec<bool>),
}

/// The levels of a place.
#[derive(Debug, Clone, Copy, Default)]
struct Levels {
    definition: i16,
    repetition: i16,
    /// How many lists the place is in.
    depth: i16,
}

impl Columns {
    /// Columns for that schema, without rows.
    pub(super) fn new(schema: &Type) -> Self {
        let mut columns = Vec::new();
        let fields = fields(schema, &mut columns);
        Self { fields, columns, rows: 0, bytes: 0 }
    }

    /// About how much memory the rows take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there are no rows.
    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Adds a row. Where it has nothing, or something of another kind, optional columns have a null and others a zero, an
    /// empty text or an empty list.
    pub(super) fn push(&mut self, row: &Value) {
        for (name, node) in &self.fields {
            self.bytes += put(node, row.get(name), Levels::default(), &mut self.columns);
        }
        self.rows += 1;
    }

    /// Writes the rows as a row group. There are none then.
    pub(super) fn write<W: Write + Send>(
        &mut self,
        file: &mut SerializedFileWriter<W>,
    ) -> Result<(), ParquetError> {
        let mut group = file.next_row_group()?;
        for column in &mut self.columns {
            let mut writer =
                group.next_column()?.expect("there are as many columns as the schema has leaves");
            column.write(writer.untyped())?;
            writer.close()?;
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

/// The nodes of a group's fields; the columns of leaves are added in the order of the schema.
fn fields(group: &Type, columns: &mut Vec<Column>) -> Vec<(String, Node)> {
    group.get_fields().iter().map(|field| (field.name().to_owned(), node(field, columns))).collect()
}

fn node(field: &Type, columns: &mut Vec<Column>) -> Node {
    let is_optional = field.is_optional();
    let meaning = field.get_basic_info().converted_type();
    if !field.is_group() {
        let column = columns.len();
        columns.push(Column::new(field.get_physical_type(), meaning));
        return Node::Leaf { column, is_optional };
    }
    if meaning == ConvertedType::LIST {
        let element = &field.get_fields()[0].get_fields()[0];
        return Node::List(Box::new(node(element, columns)));
    }
    Node::Group { fields: fields(field, columns), is_optional }
}

/// Adds what is at a place of a row. How many bytes that takes.
fn put(node: &Node, value: Option<&Value>, mut levels: Levels, columns: &mut [Column]) -> usize {
    let value = value.filter(|value| !value.is_null());
    match node {
        Node::Leaf { is_optional: true, .. } | Node::Group { is_optional: true, .. } if value.is_none() => {
            absent(node, levels, columns)
        }
        Node::Leaf { column, is_optional } => {
            levels.definition += i16::from(*is_optional);
            columns[*column].push(value, levels)
        }
        Node::Group { fields, is_optional } => {
            levels.definition += i16::from(*is_optional);
            let parts = fields
                .iter()
                .map(|(name, node)| put(node, value.and_then(|value| value.get(name)), levels, columns));
            parts.sum()
        }
        Node::List(element) => {
            let entries = value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            if entries.is_empty() {
                return absent(element, levels, columns);
            }
            let mut within = Levels { definition: levels.definition + 1, depth: levels.depth + 1, ..levels };
            let mut bytes = 0;
            for entry in entries {
                bytes += put(element, Some(entry), within, columns);
                within.repetition = within.depth;
            }
            bytes
        }
    }
}

/// Marks in all columns of a place that there is nothing from that level on.
fn absent(node: &Node, levels: Levels, columns: &mut [Column]) -> usize {
    match node {
        Node::Leaf { column, .. } => columns[*column].mark(levels),
        Node::Group { fields, .. } => fields.iter().map(|(_, field)| absent(field, levels, columns)).sum(),
        Node::List(element) => absent(element, levels, columns),
    }
}

impl Column {
    fn new(physical: Physical, meaning: ConvertedType) -> Self {
        let values = match physical {
            Physical::INT64 if meaning == ConvertedType::TIMESTAMP_MILLIS => Values::Times(Vec::new()),
            Physical::INT64 => Values::Numbers(Vec::new()),
            Physical::DOUBLE => Values::Reals(Vec::new()),
            Physical::BOOLEAN => Values::Truths(Vec::new()),
            _ => Values::Texts(Vec::new()),
        };
        Self { values, definitions: Vec::new(), repetitions: Vec::new() }
    }

    fn mark(&mut self, levels: Levels) -> usize {
        self.definitions.push(levels.definition);
        self.repetitions.push(levels.repetition);
        size_of::<[i16; 2]>()
    }

    fn push(&mut self, value: Option<&Value>, levels: Levels) -> usize {
        let bytes = match &mut self.values {
            Values::Texts(texts) => {
                let text = value.and_then(Value::as_str).unwrap_or_default();
                texts.push(ByteArray::from(text.as_bytes().to_vec()));
                size_of::<ByteArray>() + text.len()
            }
            Values::Numbers(numbers) => {
                numbers.push(value.and_then(Value::as_i64).unwrap_or_default());
                size_of::<i64>()
            }
            Values::Times(times) => {
                let time = value.and_then(Value::as_str).and_then(EventTime::parse).unwrap_or_default();
                times.push(time.seconds() * 1000);
                size_of::<i64>()
            }
            Values::Reals(reals) => {
                reals.push(value.and_then(Value::as_f64).unwrap_or_default());
                size_of::<f64>()
            }
            Values::Truths(truths) => {
                truths.push(value.and_then(Value::as_bool).unwrap_or_default());
                size_of::<bool>()
            }
        };
        bytes + self.mark(levels)
    }

    /// Writes all places, and forgets them.
    fn write(&mut self, writer: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
        let levels = (Some(&self.definitions[..]), Some(&self.repetitions[..]));
        match (&mut self.values, writer) {
            (Values::Texts(texts), ColumnWriter::ByteArrayColumnWriter(writer)) => {
                writer.write_batch(texts, levels.0, levels.1)?;
                texts.clear();
            }
            (Values::Numbers(numbers) | Values::Times(numbers), ColumnWriter::Int64ColumnWriter(writer)) => {
                writer.write_batch(numbers, levels.0, levels.1)?;
                numbers.clear();
            }
            (Values::Reals(reals), ColumnWriter::DoubleColumnWriter(writer)) => {
                writer.write_batch(reals, levels.0, levels.1)?;
                reals.clear();
            }
            (Values::Truths(truths), ColumnWriter::BoolColumnWriter(writer)) => {
                writer.write_batch(truths, levels.0, levels.1)?;
                truths.clear();
            }
            _ => unreachable!("the columns were made for this schema"),
        }
        self.definitions.clear();
        self.repetitions.clear();
        Ok(())
    }
}
