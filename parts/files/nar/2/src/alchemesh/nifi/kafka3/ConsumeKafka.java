package alchemesh.nifi.kafka3;

import alchemesh.nifi.Consumer;
import alchemesh.nifi.Properties;
import java.util.List;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.nifi.annotation.behavior.InputRequirement;
import org.apache.nifi.annotation.behavior.TriggerSerially;
import org.apache.nifi.annotation.documentation.CapabilityDescription;
import org.apache.nifi.annotation.documentation.Tags;
import org.apache.nifi.components.PropertyDescriptor;
import org.apache.nifi.processor.ProcessContext;

/** Reads a topic as NiFi 2's ConsumeKafka does without record readers, with the same properties. */
@TriggerSerially
@InputRequirement(InputRequirement.Requirement.INPUT_FORBIDDEN)
@Tags({"Kafka", "Consume"})
@CapabilityDescription("Consumes events of a Kafka topic, at least once.")
public class ConsumeKafka extends Consumer {

    static final PropertyDescriptor CONNECTION = new PropertyDescriptor.Builder()
        .name("Kafka Connection Service")
        .description("Kafka Connection Service")
        .identifiesControllerService(KafkaConnection.class)
        .required(true)
        .build();
    static final PropertyDescriptor GROUP = Properties.required("Group ID", "Group ID");
    static final PropertyDescriptor FORMAT = Properties.choice("Topic Format", "Topic Format", "names", "names").build();
    static final PropertyDescriptor TOPICS = Properties.required("Topics", "Topics");
    static final PropertyDescriptor RESET =
        Properties.choice("auto.offset.reset", "Auto Offset Reset", "latest", "earliest", "latest", "none").build();
    static final PropertyDescriptor STRATEGY = Properties.choice("Processing Strategy", "Processing Strategy", "FLOW_FILE",
        "FLOW_FILE", "DEMARCATOR").build();
    static final PropertyDescriptor DEMARCATOR = Properties.text("Message Demarcator", "Message Demarcator").required(true)
        .dependsOn(STRATEGY, "DEMARCATOR").build();

    @Override
    protected List<PropertyDescriptor> getSupportedPropertyDescriptors() {
        return List.of(CONNECTION, GROUP, FORMAT, TOPICS, RESET, STRATEGY, DEMARCATOR);
    }

    @Override
    protected String demarcator(ProcessContext context) {
        boolean joined = "DEMARCATOR".equals(context.getProperty(STRATEGY).getValue());
        return joined ? context.getProperty(DEMARCATOR).getValue() : null;
    }

    @Override
    protected KafkaConsumer<byte[], byte[]> connect(ProcessContext context) {
        return context.getProperty(CONNECTION).asControllerService(KafkaConnection.class).consumer(
            context.getProperty(GROUP).getValue(),
            context.getProperty(RESET).getValue(),
            List.of(context.getProperty(TOPICS).getValue().split("\\s*,\\s*")));
    }
}
